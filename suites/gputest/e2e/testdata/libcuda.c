/* A CUDA driver library without a GPU, for tests of what goes on around one: its
 * memory is the block device /dev/nvidia0, so that it outlives processes as a
 * card's does, and its kernels are C. Like NVIDIA's driver it clears what it gives
 * out, unless the first byte of the device says that it leaks. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/fs.h>

typedef unsigned long long u64;
typedef unsigned u32;

/* The device: a page of state, the memory of the multiprocessors, and the rest. */
enum { SM = 2, SHARED = 16384, BLOCKS = 8, START = 1 << 20 };
struct state { unsigned char leaks; u64 used; };

static char *card;
static u64 bytes, next = START;
static struct state *state;

static int ready(void)
{
	if (card)
		return 0;
	int fd = open("/dev/nvidia0", O_RDWR);
	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes) || bytes <= START)
		return 100; /* CUDA_ERROR_NO_DEVICE */
	flock(fd, LOCK_SH | LOCK_NB); /* until the process ends: a user of the card */
	card = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (card == MAP_FAILED)
		return 999;
	state = (struct state *)card;
	state->used = 0;
	return 0;
}

int cuInit(u32 flags) { return flags ? 1 : ready(); }
int cuDriverGetVersion(int *v) { *v = 13000; return 0; }
int cuGetErrorName(int code, const char **name)
{
	*name = code == 100 ? "CUDA_ERROR_NO_DEVICE" : code == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : NULL;
	return *name ? 0 : 1;
}
int cuDeviceGetCount(int *n) { *n = 1; return 0; }
int cuDeviceGet(int *d, int i) { *d = i; return i ? 101 : 0; }
int cuDeviceGetName(char *name, int n, int d) { (void)d; strncpy(name, "Stand-in", n); return 0; }
int cuDeviceGetUuid_v2(unsigned char *uuid, int d) { (void)d; for (int i = 0; i < 16; i++) uuid[i] = i; return 0; }
int cuDeviceTotalMem_v2(u64 *n, int d) { (void)d; *n = bytes - START; return 0; }
int cuDeviceGetPCIBusId(char *id, int n, int d) { (void)d; strncpy(id, "0000:00:06.0", n); return 0; }
int cuDeviceGetAttribute(int *v, int a, int d)
{
	(void)d;
	switch (a) {
	case 8: *v = SHARED; break;
	case 13: *v = 1000; break;
	case 16: *v = SM; break;
	case 75: *v = 7; break;
	default: *v = 0;
	}
	return 0;
}
int cuDevicePrimaryCtxRetain(void **c, int d)
{
	(void)d;
	*c = card;
	if (!state->leaks)
		memset(card + 4096, 0, SHARED * BLOCKS);
	return 0;
}
int cuDevicePrimaryCtxRelease_v2(int d) { (void)d; next = START; state->used = 0; return 0; }
int cuCtxSetCurrent(void *c) { (void)c; return 0; }
int cuCtxSynchronize(void) { return 0; }
int cuModuleLoadDataEx(void **m, const char *image, u32 n, int *o, void **v) { (void)image; (void)n; (void)o; (void)v; *m = card; return 0; }
int cuModuleUnload(void *m) { (void)m; return 0; }
int cuModuleGetFunction(void **f, void *m, const char *name) { (void)m; *f = strdup(name); return 0; }
int cuMemGetInfo_v2(u64 *free, u64 *total) { *free = bytes - next; *total = bytes - START; return 0; }
int cuMemAlloc_v2(u64 *p, u64 n)
{
	n = (n + 4095) / 4096 * 4096;
	if (n > bytes - next)
		return 2;
	*p = (u64)card + next;
	next += n;
	state->used += n;
	if (!state->leaks)
		memset((void *)*p, 0, n);
	return 0;
}
int cuMemFree_v2(u64 p) { (void)p; return 0; } /* with the context */
int cuMemHostAlloc(void **p, u64 n, u32 flags) { (void)flags; *p = calloc(1, n); return 0; }
int cuMemFreeHost(void *p) { free(p); return 0; }
int cuMemcpyHtoD_v2(u64 to, const void *from, u64 n) { memcpy((void *)to, from, n); return 0; }
int cuMemcpyDtoH_v2(void *to, u64 from, u64 n) { memcpy(to, (void *)from, n); return 0; }
int cuMemcpyHtoDAsync_v2(u64 to, const void *from, u64 n, void *s) { (void)s; memcpy((void *)to, from, n); return 0; }
int cuMemcpyDtoHAsync_v2(void *to, u64 from, u64 n, void *s) { (void)s; memcpy(to, (void *)from, n); return 0; }
int cuMemcpyDtoDAsync_v2(u64 to, u64 from, u64 n, void *s) { (void)s; memcpy((void *)to, (void *)from, n); return 0; }
int cuMemsetD32_v2(u64 to, u32 word, u64 n) { for (u64 i = 0; i < n; i++) ((u32 *)to)[i] = word; return 0; }
int cuEventCreate(void **e, u32 flags) { (void)flags; *e = malloc(1); return 0; }
int cuEventDestroy_v2(void *e) { free(e); return 0; }
int cuEventRecord(void *e, void *s) { (void)e; (void)s; return 0; }
int cuEventSynchronize(void *e) { (void)e; return 0; }
int cuEventElapsedTime(float *ms, void *a, void *b) { (void)a; (void)b; *ms = 1; return 0; }

static u64 pattern(u64 index, u64 seed, u64 mask)
{
	u64 x = (index + seed) * 0x9e3779b97f4a7c15;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93;
	return x ^ x >> 32 ^ mask;
}

int cuLaunchKernel(void *f, u32 gx, u32 gy, u32 gz, u32 bx, u32 by, u32 bz, u32 shared, void *stream, void **params, void **extra)
{
	(void)gx; (void)gy; (void)gz; (void)bx; (void)by; (void)bz; (void)shared; (void)stream; (void)extra;
	u64 a[8] = {0}, *result;
	for (int i = 0; params[i] && i < 8; i++)
		a[i] = *(u64 *)params[i];
	u64 *words = (u64 *)a[0];
	if (!strcmp(f, "vector_add")) {
		for (u64 i = 0; i < a[3]; i++)
			((u32 *)a[2])[i] = ((u32 *)a[0])[i] + ((u32 *)a[1])[i];
	} else if (!strcmp(f, "matrix_multiply")) {
		u32 *x = (u32 *)a[0], *y = (u32 *)a[1], *z = (u32 *)a[2];
		u64 n = a[3];
		memset(z, 0, n * n * 4);
		for (u64 i = 0; i < n; i++)
			for (u64 k = 0; k < n; k++)
				for (u64 j = 0; j < n; j++)
					z[i * n + j] += x[i * n + k] * y[k * n + j];
	} else if (!strcmp(f, "pattern_write")) {
		for (u64 i = 0; i < a[1]; i++)
			words[i] = pattern(i, a[2], a[3]);
	} else if (!strcmp(f, "pattern_check")) {
		result = (u64 *)a[4];
		for (u64 i = 0; i < a[1]; i++)
			if (words[i] != pattern(i, a[2], a[3])) {
				result[0]++;
				if (i < result[1])
					result[1] = i;
			}
	} else if (!strcmp(f, "plant")) {
		for (u64 i = 0; i < a[1]; i++)
			memcpy((char *)a[0] + i * a[2], (void *)a[3], 48);
	} else if (!strcmp(f, "scan")) {
		result = (u64 *)a[4];
		for (u64 i = 0; i < a[1]; i++) {
			result[1] += words[2 * i] || words[2 * i + 1];
			if (words[2 * i] == a[2] && words[2 * i + 1] == a[3]) {
				if (result[0] < a[5])
					result[2 + result[0]] = i;
				result[0]++;
			}
		}
	} else if (!strcmp(f, "shared_fill")) {
		for (u64 i = 0; i + 48 <= a[1]; i += 48)
			for (int b = 0; b < BLOCKS; b++)
				memcpy(card + 4096 + b * a[1] + i, (void *)a[0], 48);
	} else if (!strcmp(f, "shared_dump")) {
		memcpy((void *)a[0], card + 4096, BLOCKS * a[1]);
	}
	return 0;
}
