#!/bin/sh
# Installs the servers that test/libraries talks to, from Debian 12's packages. None of them is left running: the tests
# start their own, inside namespaces. Idempotent; as root.
exec "$(dirname "$0")/ci-packages.sh" \
  postgresql redis-server nginx-light mosquitto openssh-server dnsmasq-base iproute2 openssl
