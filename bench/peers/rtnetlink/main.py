# The jobs of bench/rtnetlink.ts with pyroute2, as its users write them. Usage: main.py JOB COUNT PATH-OF-FAR-NAMESPACE
import sys
import time

from pyroute2 import IPRoute, NetNS


def median(runs, work):
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return sorted(times)[runs // 2]


def wire(count, far_path):
    ip, far = IPRoute(), NetNS(far_path)
    begin = time.perf_counter()
    for i in range(count):
        peer = {"ifname": f"f{i}", "net_ns_fd": far_path}
        ip.link("add", ifname=f"n{i}", kind="veth", num_tx_queues=1, num_rx_queues=1, peer=peer)
        (index,) = far.link_lookup(ifname=f"f{i}")
        far.addr("add", index=index, address=f"10.{i >> 8}.{i & 255}.1", prefixlen=24)
        far.link("set", index=index, state="up")
    took = time.perf_counter() - begin
    ip.close()
    far.close()
    return took


job, count = sys.argv[1], int(sys.argv[2])
if job == "list":
    with IPRoute() as ip:
        print(median(3, lambda: list(ip.get_links())) * 1000)
elif job == "get":
    with IPRoute() as ip:
        print(median(count, lambda: ip.get_links(1)) * 1000)
else:
    print(wire(count, sys.argv[3]) * 1000)
