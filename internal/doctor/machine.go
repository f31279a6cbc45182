package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Limits of the machine, in bytes.
const (
	diskWarns   = 1 << 30
	diskFails   = 100 << 20
	memoryWarns = 200 << 20
	// manyCookies is close to the 8 KiB at which Tomcat and others refuse a
	// request header.
	manyCookies = 6 << 10
)

// folders checks that the gateway can keep its files.
func (v *visit) folders(context.Context) {
	if v.Problem != nil {
		return
	}
	for _, folder := range limited(v.Folders) {
		v.folder(folder)
	}
}

func (v *visit) folder(f Folder) {
	at, err := existing(f.Path)
	if err != nil {
		v.find("folder", f.Path, Failure, "folder", text("不是可用的目录：%v", "it is not a usable folder: %v", err))
		return
	}
	if !writable(at) {
		v.find("folder", f.Path, Failure, "folder", text("这个用户不能写 %s", "this user cannot write to %s", at))
		return
	}
	for _, file := range f.Files {
		if !v.file(f.Path, file) {
			return
		}
	}
	switch free, known := freeSpace(at); {
	case !known:
		v.pass("folder", f.Path, text("可以写入", "it can be written"))
	case free < diskFails:
		v.find("folder", f.Path, Failure, "disk-space", text("只剩 %d MiB", "only %d MiB are free", free>>20))
	case free < diskWarns:
		v.find("folder", f.Path, Warning, "disk-space", text("只剩 %d MiB", "only %d MiB are free", free>>20))
	default:
		v.pass("folder", f.Path, text("可以写入，还有 %d GiB", "it can be written, and %d GiB are free", free>>30))
	}
}

// file says whether a file has the right owner and mode, which a backup that was
// restored by another user has not. It reports whether all is well.
func (v *visit) file(folder, name string) bool {
	info, err := os.Stat(filepath.Join(folder, name))
	switch {
	case errors.Is(err, fs.ErrNotExist) || !hasModes:
		return true // the gateway makes it
	case err != nil || !usable(filepath.Join(folder, name)):
		v.find("folder", folder, Failure, "folder", text("这个用户不能读写 %s", "this user cannot read and write %s", name))
		return false
	case info.Mode().Perm()&0o077 != 0:
		v.find("folder", folder, Warning, "folder-rights", text("别的用户能读 %s（%s）", "other users can read %s (%s)", name, info.Mode().Perm()))
		return false
	}
	return true
}

// existing returns path, or the nearest folder above it that exists: the
// gateway makes what is missing.
func existing(path string) (string, error) {
	for {
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			return path, nil
		case err == nil:
			return "", errors.New(path + " is a file")
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		above := filepath.Dir(path)
		if above == path {
			return "", err
		}
		path = above
	}
}

// memory compares the memory limits, and says how large cookies were.
func (v *visit) memory(context.Context) {
	m := ReadMemory()
	if v.running != nil {
		m = v.running.Memory
	} else {
		m.Go = 0 // Caddy sets it when it runs
	}
	least := m.Container
	if m.Go > 0 && (least == 0 || m.Go < least) {
		least = m.Go
	}
	switch {
	case least > 0 && least < memoryWarns:
		v.find("memory", "", Warning, "memory", text("限制只有 %d MiB", "the limit is only %d MiB", least>>20))
	case v.running != nil && m.Container > 0 && (m.Go == 0 || m.Go > m.Container):
		v.find("memory", "", Warning, "memory", text("容器的限制是 %d MiB，程序不知道", "the container's limit is %d MiB, and the program does not know it", m.Container>>20))
	case least > 0:
		v.pass("memory", "", text("内存限制是 %d MiB", "the limit is %d MiB", least>>20))
	default:
		v.pass("memory", "", text("没有限制", "there is no limit"))
	}
	if v.running == nil {
		return
	}
	if size := v.running.Seen.Cookies; size > manyCookies {
		v.find("cookies", "", Warning, "cookies", text("有访客的 Cookie 有 %d 字节", "the cookies of some visitor have %d bytes", size))
	} else {
		v.pass("cookies", "", text("访客的 Cookie 请求头最长 %d 字节", "the cookies of a visitor have at most %d bytes", size))
	}
}
