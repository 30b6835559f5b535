"""Where soaks run: the tree, its test build, its servers."""
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
SERVICES = ROOT / "build/soak-services"


def checked(*command, **more):
    """Runs what talks to people; its output is not ours."""
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr, **more)


def end_in_order():
    """Lets a SIGTERM end us as an exception, so that the servers stop with us."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def prepare(options, target):
    """Builds `target` of preset dev, unless --no-build."""
    end_in_order()
    if not options.no_build:
        checked("scripts/install-dependencies", "test")
        checked("cmake", "--preset", "dev")
        checked("cmake", "--build", "--preset", "dev", "--target", target)


def services_environment():
    """Variables that the servers under SERVICES export."""
    text = subprocess.run(["scripts/services", "env", "--dir", SERVICES], cwd=ROOT, check=True,
                          capture_output=True, text=True).stdout
    lines = (line.removeprefix("export ").partition("=") for line in text.splitlines() if "=" in line)
    return {name: value.strip("'\"") for name, _, value in lines}
