// Package ipc speaks to System V shared memory and POSIX message queues with the
// kernel's own calls; both belong to the caller's IPC namespace.
package ipc

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// queueAttributes is struct mq_attr of include/uapi/linux/mqueue.h.
type queueAttributes struct {
	flags, maxMessages, messageSize, messages int
	_                                         [4]int
}

// CreateQueue makes a message queue that everyone may read, for one message,
// and puts that message into it. It fails with EEXIST if the queue exists.
func CreateQueue(name, message string) error {
	attributes := queueAttributes{maxMessages: 1, messageSize: len(message)}
	fd, err := openQueue(name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o644, &attributes)
	if err != nil {
		return fmt.Errorf("create message queue %s: %w", name, err)
	}
	defer func() { _ = unix.Close(fd) }()
	// The mode given at creation was subject to the umask.
	if err := unix.Fchmod(fd, 0o644); err != nil {
		return fmt.Errorf("make message queue %s readable: %w", name, err)
	}
	data := []byte(message)
	_, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDSEND, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("fill message queue %s: %w", name, errno)
	}
	return nil
}

// HoldsMessage says whether the queue exists, can be read by the caller, and
// holds one message of at most size bytes. It leaves the message where it is.
func HoldsMessage(name string, size int) (bool, error) {
	fd, err := openQueue(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0, nil)
	if err != nil {
		return false, fmt.Errorf("open message queue %s: %w", name, err)
	}
	defer func() { _ = unix.Close(fd) }()
	var attributes queueAttributes
	_, _, errno := unix.Syscall(unix.SYS_MQ_GETSETATTR, uintptr(fd), 0, uintptr(unsafe.Pointer(&attributes)))
	if errno != 0 {
		return false, fmt.Errorf("read the attributes of message queue %s: %w", name, errno)
	}
	return attributes.messages == 1 && attributes.messageSize == size, nil
}

// UnlinkQueue removes the name of a message queue.
func UnlinkQueue(name string) error {
	raw, err := unix.BytePtrFromString(strings.TrimPrefix(name, "/"))
	if err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(raw)), 0, 0); errno != 0 {
		return fmt.Errorf("unlink message queue %s: %w", name, errno)
	}
	return nil
}

// Queues lists the message queues of the caller's IPC namespace. It makes a
// mount of its own for that, which nothing but this process can see, and needs
// CAP_SYS_ADMIN; without it, the caller's /dev/mqueue is read.
func Queues() ([]string, error) {
	dir, err := mountQueues()
	if err != nil {
		mountErr := err
		if dir, err = os.Open("/dev/mqueue"); err != nil {
			return nil, fmt.Errorf("list message queues: %w", errors.Join(mountErr, err))
		}
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(-1)
	for i := range names {
		names[i] = "/" + names[i]
	}
	return names, err
}

func mountQueues() (*os.File, error) {
	context, err := unix.Fsopen("mqueue", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open file system mqueue: %w", err)
	}
	defer func() { _ = unix.Close(context) }()
	if err := unix.FsconfigCreate(context); err != nil {
		return nil, fmt.Errorf("create file system mqueue: %w", err)
	}
	fd, err := unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return nil, fmt.Errorf("mount file system mqueue: %w", err)
	}
	// A mount descriptor is opened with O_PATH; listing needs a real one.
	dir, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	_ = unix.Close(fd)
	if err != nil {
		return nil, fmt.Errorf("open the root of file system mqueue: %w", err)
	}
	return os.NewFile(uintptr(dir), "mqueue"), nil
}

// openQueue is mq_open(3) without libc: the kernel's call takes the name
// without its leading slash.
func openQueue(name string, flags int, mode uint32, attributes *queueAttributes) (int, error) {
	raw, err := unix.BytePtrFromString(strings.TrimPrefix(name, "/"))
	if err != nil {
		return -1, err
	}
	fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(raw)), uintptr(flags), uintptr(mode), uintptr(unsafe.Pointer(attributes)), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}
