/* A CUDA driver library without a GPU: one device whose memory is the machine's.
 * It shows that katacert's bindings name and call every function rightly; it runs
 * no kernel, and says so by CUDA's own error. */
#include <stdlib.h>
#include <string.h>

typedef unsigned long long u64;

int cuInit(unsigned flags) { return flags == 0 ? 0 : 1; }
int cuDriverGetVersion(int *v) { *v = 13010; return 0; }
int cuGetErrorName(int code, const char **name) {
	switch (code) {
	case 2: *name = "CUDA_ERROR_OUT_OF_MEMORY"; return 0;
	case 221: *name = "CUDA_ERROR_JIT_COMPILER_NOT_FOUND"; return 0;
	case 719: *name = "CUDA_ERROR_LAUNCH_FAILED"; return 0;
	}
	*name = NULL;
	return 1;
}
int cuDeviceGetCount(int *n) { *n = 1; return 0; }
int cuDeviceGet(int *d, int i) { *d = 40 + i; return i == 0 ? 0 : 101; }
int cuDeviceGetName(char *name, int n, int d) { strncpy(name, "Stand-in", n); return d == 40 ? 0 : 101; }
int cuDeviceGetUuid_v2(unsigned char *uuid, int d) { (void)d; for (int i = 0; i < 16; i++) uuid[i] = i; return 0; }
int cuDeviceTotalMem_v2(u64 *n, int d) { (void)d; *n = 1 << 20; return 0; }
int cuDeviceGetAttribute(int *v, int a, int d) { (void)d; *v = a; return 0; }
int cuDeviceGetPCIBusId(char *id, int n, int d) { (void)d; strncpy(id, "0000:3B:00.0", n); return 0; }
int cuDevicePrimaryCtxRetain(void **c, int d) { (void)d; *c = (void *)7; return 0; }
int cuDevicePrimaryCtxRelease_v2(int d) { return d == 40 ? 0 : 101; }
int cuCtxSetCurrent(void *c) { return c == (void *)7 ? 0 : 201; }
int cuCtxSynchronize(void) { return 719; }
int cuModuleLoadDataEx(void **m, const char *image, unsigned n, int *options, void **values) {
	*m = (void *)9;
	if (strcmp(image, "good") == 0)
		return 0;
	if (strcmp(image, "no compiler") == 0)
		return 221;
	for (unsigned i = 0; i < n; i++)
		if (options[i] == 5)
			strcpy(values[i], "line 3: nonsense");
	return 218;
}
int cuModuleUnload(void *m) { return m == (void *)9 ? 0 : 400; }
int cuModuleGetFunction(void **f, void *m, const char *name) { (void)m; *f = (void *)11; return strcmp(name, "kernel") == 0 ? 0 : 500; }
int cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream, void **params, void **extra) {
	int right = f == (void *)11 && gx == 2 && gy == 1 && gz == 1 && bx == 3 && by == 4 && bz == 1 && shared == 5 && !stream && !extra;
	return right && *(u64 *)params[0] == 1000 && *(u64 *)params[1] == 1ull << 40 ? 0 : 1;
}
int cuMemGetInfo_v2(u64 *free, u64 *total) { *free = 1 << 19; *total = 1 << 20; return 0; }
int cuMemAlloc_v2(u64 *p, u64 n) { if (n > 1 << 20) return 2; *p = (u64)calloc(1, n); return 0; }
int cuMemFree_v2(u64 p) { free((void *)p); return 0; }
int cuMemHostAlloc(void **p, u64 n, unsigned flags) { (void)flags; *p = calloc(1, n); return 0; }
int cuMemFreeHost(void *p) { free(p); return 0; }
int cuMemcpyHtoD_v2(u64 to, const void *from, u64 n) { memcpy((void *)to, from, n); return 0; }
int cuMemcpyDtoH_v2(void *to, u64 from, u64 n) { memcpy(to, (void *)from, n); return 0; }
int cuMemcpyHtoDAsync_v2(u64 to, const void *from, u64 n, void *s) { (void)s; memcpy((void *)to, from, n); return 0; }
int cuMemcpyDtoHAsync_v2(void *to, u64 from, u64 n, void *s) { (void)s; memcpy(to, (void *)from, n); return 0; }
int cuMemcpyDtoDAsync_v2(u64 to, u64 from, u64 n, void *s) { (void)s; memcpy((void *)to, (void *)from, n); return 0; }
int cuMemsetD32_v2(u64 to, unsigned word, u64 n) { for (u64 i = 0; i < n; i++) ((unsigned *)to)[i] = word; return 0; }
int cuEventCreate(void **e, unsigned flags) { (void)flags; *e = malloc(1); return 0; }
int cuEventDestroy_v2(void *e) { free(e); return 0; }
int cuEventRecord(void *e, void *s) { (void)e; (void)s; return 0; }
int cuEventSynchronize(void *e) { (void)e; return 0; }
int cuEventElapsedTime(float *ms, void *a, void *b) { (void)a; (void)b; *ms = 1.5f; return 0; }
