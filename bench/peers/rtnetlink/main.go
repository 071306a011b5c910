// The jobs of bench/rtnetlink.ts with vishvananda/netlink, as its users write them. Usage: main JOB COUNT FAR-NAMESPACE-FD
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func median(runs int, work func()) time.Duration {
	times := make([]time.Duration, runs)
	for i := range times {
		begin := time.Now()
		work()
		times[i] = time.Since(begin)
	}
	sort.Slice(times, func(a, b int) bool { return times[a] < times[b] })
	return times[runs/2]
}

func main() {
	count, err := strconv.Atoi(os.Args[2])
	must(err)
	var took time.Duration
	switch os.Args[1] {
	case "list":
		took = median(15, func() {
			links, err := netlink.LinkList()
			must(err)
			if len(links) < count {
				must(fmt.Errorf("%d links", len(links)))
			}
		})
	case "get":
		handle, err := netlink.NewHandle()
		must(err)
		took = median(count, func() {
			_, err := handle.LinkByIndex(1)
			must(err)
		})
	case "wire":
		fd, err := strconv.Atoi(os.Args[3])
		must(err)
		far, err := netlink.NewHandleAt(netns.NsHandle(fd))
		must(err)
		begin := time.Now()
		for i := 0; i < count; i++ {
			attributes := netlink.NewLinkAttrs()
			attributes.Name = fmt.Sprintf("n%d", i)
			attributes.NumTxQueues, attributes.NumRxQueues = 1, 1
			peer := fmt.Sprintf("f%d", i)
			must(netlink.LinkAdd(&netlink.Veth{LinkAttrs: attributes, PeerName: peer, PeerNamespace: netlink.NsFd(fd)}))
			link, err := far.LinkByName(peer)
			must(err)
			address, err := netlink.ParseAddr(fmt.Sprintf("10.%d.%d.1/24", i>>8, i&255))
			must(err)
			must(far.AddrAdd(link, address))
			must(far.LinkSetUp(link))
		}
		took = time.Since(begin)
	}
	fmt.Println(float64(took.Nanoseconds()) / 1e6)
}
