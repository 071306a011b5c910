// The peer of socketat: the same work by Go and github.com/vishvananda/netns, as its README does it. Waits for
// "<count>\n", and answers with the nanoseconds that many sockets took.
package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/vishvananda/netns"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	runtime.LockOSThread()
	home, err := netns.Get()
	check(err)
	red, err := netns.New()
	check(err)
	check(netns.Set(home))
	runtime.UnlockOSThread()

	for {
		var count int
		if _, err := fmt.Scan(&count); err != nil {
			return
		}
		start := time.Now()
		for i := 0; i < count; i++ {
			runtime.LockOSThread()
			check(netns.Set(red))
			fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
			check(err)
			check(netns.Set(home))
			runtime.UnlockOSThread()
			check(syscall.Close(fd))
		}
		fmt.Println(time.Since(start).Nanoseconds())
	}
}
