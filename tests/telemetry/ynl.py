# SPDX-License-Identifier: GPL-2.0-only
"""
ynl.py TOOL SPEC: drives each operation of SPEC with the library of the kernel's ynl tool, against VMs made here.

TOOL has tools/net/ynl and Documentation/netlink of the kernel's sources. Prints TAP.
"""
import ctypes
import errno
import fcntl
import mmap
import os
import signal
import struct
import sys
import time

tool, spec = sys.argv[1:]
sys.path.insert(0, tool + "/tools/net/ynl")
from lib import NlError, YnlFamily  # noqa: E402

# From <linux/kvm.h> and <vitrine.h>.
KVM_CREATE_VM = 0xAE01
KVM_CREATE_VCPU = 0xAE41
KVM_RUN = 0xAE80
KVM_SET_USER_MEMORY_REGION = 0x4020AE46
KVM_SET_REGS = 0x4090AE82
KVM_GET_SREGS = 0x8138AE83
KVM_SET_SREGS = 0x4138AE84
VITRINE_VM_SET_NAME = 0x4040BF01
VITRINE_VM_GET_ID = 0x8004BF02

# Ten times CPUID, then a port that nobody has, again and again.
CODE = bytes.fromhex("b90a00 51 31c0 0fa2 59 e2f8 e6f4 ebf1".replace(" ", ""))
CODE_AT = 0x1000

cases = failures = 0
driven = set()


def check(name, good):
    global cases, failures
    cases += 1
    failures += not good
    print(f"{'ok' if good else 'not ok'} {cases} - {name}", flush=True)


class Vm:
    """A VM with one CPU in real mode."""

    def __init__(self):
        self.fd = fcntl.ioctl(os.open("/dev/vitrine", os.O_RDWR), KVM_CREATE_VM, 0)
        self.ram = mmap.mmap(-1, 0x10000)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.ram))
        fcntl.ioctl(self.fd, KVM_SET_USER_MEMORY_REGION, struct.pack("IIQQQ", 0, 0, 0, 0x10000, address))
        self.ram[CODE_AT:CODE_AT + len(CODE)] = CODE
        self.cpu = fcntl.ioctl(self.fd, KVM_CREATE_VCPU, 0)
        sregs = bytearray(312)
        fcntl.ioctl(self.cpu, KVM_GET_SREGS, sregs)
        struct.pack_into("Q", sregs, 0, 0)        # CS: base
        struct.pack_into("H", sregs, 12, 0)       # and selector
        fcntl.ioctl(self.cpu, KVM_SET_SREGS, sregs)
        regs = [0] * 18
        regs[6], regs[16], regs[17] = 0x8000, CODE_AT, 2    # RSP, RIP, RFLAGS
        fcntl.ioctl(self.cpu, KVM_SET_REGS, struct.pack("18Q", *regs))
        number = bytearray(4)
        fcntl.ioctl(self.fd, VITRINE_VM_GET_ID, number)
        self.id = struct.unpack("I", number)[0]

    def run(self):
        fcntl.ioctl(self.cpu, KVM_RUN, 0)

    def name(self, text):
        fcntl.ioctl(self.fd, VITRINE_VM_SET_NAME, text.encode().ljust(64, b"\0"))


def family():
    return YnlFamily(spec, tool + "/Documentation/netlink/genetlink.yaml")


def do(ynl, operation, **attributes):
    driven.add(("do", operation))
    return ynl.do(operation, {k.replace("_", "-"): v for k, v in attributes.items()})


def dump(ynl, operation, **attributes):
    driven.add(("dump", operation))
    return ynl.dump(operation, {k.replace("_", "-"): v for k, v in attributes.items()})


def refused(ynl, error, operation, **attributes):
    try:
        do(ynl, operation, **attributes)
    except NlError as e:
        return e.nl_msg.error == -error
    return False


def notices(ynl):
    """What the socket was told so far."""
    driven.add(("event", "event-ntf"))
    time.sleep(0.1)
    ynl.check_ntf()
    told, ynl.async_msg_queue[:] = [m["msg"] for m in ynl.async_msg_queue], []
    return told


def objects(ynl, vm):
    host = do(ynl, "host-get")
    kinds = {k["name"]: k["id"] for k in host["exit-kind"]}
    check("host-get do", host["backend"] == "svm" and host["vms"] == 1 and host["vcpus"] == 1)
    check("host-get dump", [h["exit-kind"] for h in dump(ynl, "host-get")] == [host["exit-kind"]])
    mine = do(ynl, "vm-get", id=vm.id)
    check("vm-get do", mine["name"] == "driven" and mine["state"] == "running" and mine["pid"] == os.getpid())
    check("vm-get dump", dump(ynl, "vm-get") == [do(ynl, "vm-get", id=vm.id)])
    cpu = do(ynl, "vcpu-get", vm_id=vm.id, id=0)
    check("vcpu-get do", cpu["state"] == "user" and cpu["user-exits"] == 2 and cpu["faults-fetch"] > 0)
    check("vcpu-get dump", dump(ynl, "vcpu-get") == [cpu] and dump(ynl, "vcpu-get", vm_id=vm.id) == [cpu])
    stats = do(ynl, "exit-stats-get", vm_id=vm.id, vcpu_id=0, kind=kinds["cpuid"])
    check("exit-stats-get do", stats["count"] == 20 and sum(stats["hist"]) == 20 and stats["name"] == "cpuid")
    every = dump(ynl, "exit-stats-get", vm_id=vm.id, vcpu_id=0)
    check("exit-stats-get dump", stats in every and all(sum(e["hist"]) == e["count"] for e in every))


def errors(ynl, vm):
    check("no such VM", refused(ynl, errno.ENOENT, "vm-get", id=vm.id + 1))
    check("no such vCPU", refused(ynl, errno.ENOENT, "vcpu-get", vm_id=vm.id, id=1))
    check("nothing named", refused(ynl, errno.EINVAL, "vm-get"))


def events(ynl, vm):
    watch, group = family(), family()
    check("event-watch", do(watch, "event-watch") is None)
    group.ntf_subscribe("events")
    before = dump(ynl, "event-get", vm_id=vm.id)
    check("event-get", [e["type"] for e in before] == ["created", "named", "started"])
    do(ynl, "vm-pause", id=vm.id)
    check("vm-pause", do(ynl, "vm-get", id=vm.id)["state"] == "paused")
    do(ynl, "vm-resume", id=vm.id)
    check("vm-resume", do(ynl, "vm-get", id=vm.id)["state"] == "running")
    told = notices(watch)
    check("event-ntf to who watches", [(e["type"], e["seq"]) for e in told] == [("paused", 1), ("resumed", 2)])
    check("event-ntf to the group", [e["id"] for e in notices(group)] == [e["id"] for e in told])
    after = dump(ynl, "event-get", vm_id=vm.id, after=before[-1]["id"])
    check("event-get from a number on", [e["id"] for e in after] == [e["id"] for e in told])


def crash(ynl):
    vm = Vm()
    # LIDT of an empty table, UD2: a triple fault.
    code = bytes.fromhex("2e0f011e0001" "0f0b")
    vm.ram[CODE_AT:CODE_AT + len(code)] = code
    vm.run()
    event = dump(ynl, "event-get", vm_id=vm.id)[-1]
    check("a triple fault", event["type"] == "triple-fault" and event["code"].startswith("0f 0b") and
          event["regs"]["rip"] == hex(CODE_AT + 6) and event["regs"]["idt-limit"] == "0x0" and
          event["regs"]["efer"] == "0x0" and event["fault"][0]["vector"] == 6)
    check("its VM has failed", do(ynl, "vm-get", id=vm.id)["state"] == "failed")


def kill(ynl):
    pipe = os.pipe()
    child = os.fork()
    if not child:
        os.write(pipe[1], struct.pack("I", Vm().id))
        signal.pause()
    victim = struct.unpack("I", os.read(pipe[0], 4))[0]
    do(ynl, "vm-kill", id=victim)
    check("vm-kill", os.waitpid(child, 0)[1] == signal.SIGKILL)
    check("the VM is gone", refused(ynl, errno.ENOENT, "vm-get", id=victim))


def complete(ynl):
    """Has every operation of the spec been driven in every form?"""
    want = {(form, name) for name, op in ynl.msgs.items() for form in ("do", "dump", "event") if form in op.yaml}
    check("every operation was driven", want == driven)
    for form, name in sorted(want ^ driven):
        print(f"# {form} {name}")


def main():
    ynl = family()
    vm = Vm()
    vm.name("driven")
    vm.run()
    vm.run()
    objects(ynl, vm)
    errors(ynl, vm)
    events(ynl, vm)
    crash(ynl)
    kill(ynl)
    complete(ynl)
    print(f"1..{cases}")
    return failures != 0


sys.exit(main())
