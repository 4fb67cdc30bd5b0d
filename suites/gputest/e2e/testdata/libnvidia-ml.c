/* A management library for the GPU that libcuda.c stands in for. The memory in use
 * is what the processes say that hold the device open. */
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef unsigned long long u64;

static int card = -1;
enum { NOT_SUPPORTED = 3, NOT_LOADED = 9, START = 1 << 20 };

int nvmlInit_v2(void) { card = open("/dev/nvidia0", O_RDONLY); return card < 0 ? NOT_LOADED : 0; }
int nvmlShutdown(void) { close(card); return 0; }
const char *nvmlErrorString(int code) { return code == NOT_LOADED ? "Driver Not Loaded" : "Stand-in error"; }
int nvmlSystemGetDriverVersion(char *v, unsigned n) { strncpy(v, DRIVER, n); return 0; }
int nvmlDeviceGetCount_v2(unsigned *n) { *n = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **d) { *d = &card; return i ? 2 : 0; }
int nvmlDeviceGetUUID(void *d, char *v, unsigned n) { (void)d; strncpy(v, "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f", n); return 0; }
int nvmlDeviceGetName(void *d, char *v, unsigned n) { (void)d; strncpy(v, "Stand-in", n); return 0; }
int nvmlDeviceGetPciInfo_v3(void *d, void *pci)
{
	(void)d;
	unsigned *numbers = (unsigned *)((char *)pci + 16);
	memset(pci, 0, 16 + 5 * 4 + 32);
	numbers[1] = 0, numbers[2] = 6;
	return 0;
}
int nvmlDeviceGetMemoryInfo(void *d, u64 *m)
{
	(void)d;
	u64 state[2];
	ioctl(card, BLKGETSIZE64, &m[0]);
	pread(card, state, sizeof state, 0);
	int fd = open("/dev/nvidia0", O_RDONLY);
	m[2] = flock(fd, LOCK_EX | LOCK_NB) ? state[1] : 0; /* nobody: nothing in use */
	close(fd);
	m[0] -= START;
	m[1] = m[0] - m[2];
	return 0;
}
int nvmlDeviceGetMigMode(void *d, unsigned *a, unsigned *b) { (void)d; (void)a; (void)b; return NOT_SUPPORTED; }
int nvmlDeviceGetEccMode(void *d, unsigned *a, unsigned *b) { (void)d; (void)a; (void)b; return NOT_SUPPORTED; }
int nvmlDeviceGetTotalEccErrors(void *d, int a, int b, u64 *n) { (void)d; (void)a; (void)b; (void)n; return NOT_SUPPORTED; }
int nvmlDeviceGetPowerManagementLimit(void *d, unsigned *n) { (void)d; (void)n; return NOT_SUPPORTED; }
int nvmlDeviceGetPowerManagementDefaultLimit(void *d, unsigned *n) { (void)d; (void)n; return NOT_SUPPORTED; }
int nvmlDeviceGetComputeMode(void *d, unsigned *n) { (void)d; *n = 0; return 0; }
int nvmlDeviceGetComputeRunningProcesses_v3(void *d, unsigned *n, void *list) { (void)d; (void)list; *n = 0; return 0; }
