#!/usr/bin/python3
"""Behaves like ssh for the tests of a remote engine: fake_ssh.py HOST COMMAND…

Joins the words with blanks and gives them to a shell in another folder, as sshd does in a home; carries standard input
and output through, and ends with 255, abruptly, as soon as the file BLOCKCERT_CUT names exists: a cut connection. The
command then finds its input ended, as it does when a real connection is gone.
"""
import os
import subprocess
import sys
import threading
import time

home = os.environ["BLOCKCERT_REMOTE_HOME"]
cut = os.environ["BLOCKCERT_CUT"]
if len(sys.argv) < 3 or sys.argv[1] != "somewhere":
    print("ssh: Could not resolve hostname: Name or service not known", file=sys.stderr)
    sys.exit(255)
command = subprocess.Popen(["/bin/sh", "-c", " ".join(sys.argv[2:])], cwd=home, stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE)


def carry(source, target, at_end):
    while data := os.read(source, 65536):
        os.write(target, data)
    at_end()


threading.Thread(target=carry, args=(0, command.stdin.fileno(), command.stdin.close), daemon=True).start()
out = threading.Thread(target=carry, args=(command.stdout.fileno(), 1, lambda: None), daemon=True)
out.start()
while command.poll() is None:
    if os.path.exists(cut):
        os.unlink(cut)
        os._exit(255)
    time.sleep(0.01)
out.join()
sys.exit(command.returncode)
