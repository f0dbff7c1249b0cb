# SPDX-License-Identifier: MIT
# Every case runs in a forked child of a process with one thread, which all sanitizers' runtimes carry.
aioc_test(fault credentials)
aioc_test_run(fault credentials auto)
aioc_test(fault sandbox)
aioc_test(fault process)
