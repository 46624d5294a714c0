# A thin front for CMake. `make say TEXT="Good morning."` and `make test` do
# everything on a fresh Debian 12 machine, as root or with sudo.

TEXT ?= Good morning, this is a test.
PREFIX ?= /usr/local
export TEXT

.PHONY: say build test fuzz check-hosts soak packages install uninstall deb format clean

# Speaks TEXT with the built-in voice; without a sound device, writes say.wav.
say: build
	@printf '%s' "$$TEXT" | build/bin/chatterbox say --fallback say.wav -

build: packages
	@cmake --preset release -DCBX_TESTS=OFF \
		-DCMAKE_INSTALL_PREFIX=$(PREFIX) > /dev/null
	@cmake --build build -j $$(nproc)

# The quick tier: unit, parity, live path, bad input; also under sanitizers.
test:
	@tools/packages.sh test
	@tools/test.sh

# The tests beside real hosts: speech-dispatcher, screen reader, DAWs, browser.
check-hosts:
	@tools/packages.sh test
	@tools/packages.sh hosts
	@tools/check_hosts.sh

# Hours: 16 streams that start and stop at random, for SECONDS; daemons and
# clients killed at random moments, 200 times each.
SECONDS ?= 3600
soak:
	@tools/packages.sh test
	@tools/soak.sh 200 $(SECONDS)

# Fuzzing of all readers: FUZZ_RUNS runs each, or one of them: FUZZ=pickle.
FUZZ_RUNS ?= 100000
FUZZ ?= all
fuzz:
	@tools/packages.sh test
	@tools/fuzz.sh $(FUZZ_RUNS) $(FUZZ)

packages:
	@tools/packages.sh build

install: build
	cmake --install build

uninstall:
	xargs rm -fv < build/install_manifest.txt

# Debian packages of this tree, in build-deb/.
deb:
	@tools/packages.sh deb
	@tools/deb.sh

format:
	git ls-files '*.c' '*.h' | xargs clang-format-14 -i

clean:
	rm -rf build build-*
