# A tree of wasi-sdk's shape, made of Debian's packages: C++23 to a WASI 0.2 component in one step.
#   clang, lld, builtins: the LLVM packages of this machine's release
#   libc: the package wasi-libc of Debian sid; what trixie has is half WASI 0.1 (a fallback)
#   libc++: built from LLVM's source; Debian's has no fstream, filesystem or mutex
#   component linker: wasm-component-ld if it is there, else npm's jco, else cargo
# WASI_SDK_PATH names a finished SDK instead.
llvm=19
jco=0.15.0
component_ld=0.5.31
recipe="1 $llvm"
folder=wasi-sdk
triple=wasm32-wasip2
here=$root/libs/toolchain

usable() {
    if [[ ! ${WASI_SDK_PATH-} ]]; then
        made && [[ -x $tools/$folder/bin/clang && -x $tools/$folder/bin/wasm-ld ]]
        return
    fi
    local file
    for file in bin/clang++ share/cmake/wasi-sdk-p2.cmake share/wasi-sysroot/lib/$triple; do
        [[ -e $WASI_SDK_PATH/$file ]] ||
            die "WASI_SDK_PATH=$WASI_SDK_PATH has no $file: it needs a wasi-sdk with $triple"
    done
}

packages() {
    on_debian || die "a toolchain can be assembled on Debian 12 or later only; install a wasi-sdk" \
        "(release 25 or later) and set WASI_SDK_PATH to its folder"
    echo "clang-$llvm lld-$llvm llvm-$llvm libclang-rt-$llvm-dev-wasm32 xz=xz-utils"
    find_component_ld >/dev/null || command -v cargo >/dev/null || echo node=nodejs npm=npm
}

make_part() {
    get_libcxx_source &
    local source=$!
    get_libc
    make_component_ld &
    local linker=$!
    await_packages
    lay_out_llvm
    wait $source
    build_libcxx
    wait $linker
    try_out
}

get_libc() {
    unpack_deb wasi-libc "$build/libc" sid trixie
    local kind
    for kind in include lib share; do
        mkdir -p "$out/share/wasi-sysroot/$kind"
        [[ ! -d $build/libc/usr/$kind/$triple ]] ||
            mv "$build/libc/usr/$kind/$triple" "$out/share/wasi-sysroot/$kind/"
    done
}

# Is libc free of WASI 0.1? Else its imports need the adapter, and only wasm-component-ld has it.
libc_is_pure() {
    ! grep -q wasi_snapshot_preview1 "$out/share/wasi-sysroot/lib/$triple/libc.a"
}

get_libcxx_source() {
    fetch_source llvm-toolchain-$llvm sid trixie # 164 MB, of which libc++ takes 51 MB unpacked
    await_packages # for xz
    say "unpacking libc++'s part of it"
    mkdir "$build/llvm"
    local dirs=(libcxx libcxxabi runtimes cmake llvm/cmake llvm/utils/llvm-lit libc)
    local top
    top=$(basename "$tarball" .orig.tar.xz)
    tar -xJf "$tarball" -C "$build/llvm" --strip-components=1 --exclude="$top/*/test" \
        "${dirs[@]/#/$top/}"
}

lay_out_llvm() {
    local from=/usr/lib/llvm-$llvm resources=lib/clang/$llvm name
    mkdir -p "$out"/{bin,share/cmake/Platform,$resources/lib/wasi,$resources/lib/wasm32-unknown-wasip2}
    # clang looks for its resources, its .cfg and the linker beside the file that it really is: a
    # copy (130 kB, the rest is in shared libraries), not a link
    install -m 755 "$from/bin/clang" "$out/bin/clang-$llvm"
    for name in clang clang++ clang-cpp $triple-clang $triple-clang++; do
        ln -s clang-$llvm "$out/bin/$name"
    done
    for name in ar ranlib nm objdump objcopy strip size strings; do
        ln -s "$from/bin/llvm-$name" "$out/bin/llvm-$name"
        ln -s "llvm-$name" "$out/bin/$name"
    done
    for name in wasm-ld lld llvm-cxxfilt llvm-dwarfdump llvm-symbolizer; do
        ln -s "$from/bin/$name" "$out/bin/$name"
    done
    for name in "$from"/lib/libclang-cpp.so* "$from"/lib/libLLVM*.so*; do
        ln -s "$name" "$out/lib/"
    done
    ln -s "$from/$resources/include" "$out/$resources/include"
    local builtins=$from/$resources/lib/wasi/libclang_rt.builtins-wasm32.a
    cp "$builtins" "$out/$resources/lib/wasi/"
    cp "$builtins" "$out/$resources/lib/wasm32-unknown-wasip2/libclang_rt.builtins.a"
    echo '--sysroot=<CFGDIR>/../share/wasi-sysroot' | tee \
        "$out/bin/wasm32-unknown-wasip2.cfg" "$out/bin/$triple-clang.cfg" >/dev/null
    cp "$here/wasi-sdk-p2.cmake" "$out/share/cmake/"
    cp "$here/Platform/WASI.cmake" "$out/share/cmake/Platform/"
}

build_libcxx() {
    local sysroot=$out/share/wasi-sysroot threads=ON
    # newer libcs have single-threaded stubs of pthread_*, trixie's refuses the header
    ! grep -q _WASI_EMULATED_PTHREAD "$sysroot/include/$triple/pthread.h" || threads=OFF
    say "building libc++ and libc++abi"
    local options=(
        -DCMAKE_TOOLCHAIN_FILE="$out/share/cmake/wasi-sdk-p2.cmake"
        -DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY
        -DCMAKE_C_COMPILER_WORKS=ON -DCMAKE_CXX_COMPILER_WORKS=ON
        -DCMAKE_BUILD_TYPE=MinSizeRel -DCMAKE_POSITION_INDEPENDENT_CODE=OFF -DUNIX=ON
        -DCMAKE_INSTALL_PREFIX="$sysroot"
        -DLLVM_ENABLE_RUNTIMES='libcxx;libcxxabi' -DLLVM_INCLUDE_TESTS=OFF -DLLVM_INCLUDE_DOCS=OFF
        -DLIBCXX_CXX_ABI=libcxxabi -DLIBCXX_ABI_VERSION=2 -DLIBCXX_HAS_MUSL_LIBC=ON
        -DLIBCXX_ENABLE_FILESYSTEM=ON -DLIBCXX_PSTL_BACKEND=serial
        -DLIBCXX_ENABLE_ABI_LINKER_SCRIPT=OFF -DLIBCXX_INCLUDE_BENCHMARKS=OFF
        -DLIBCXXABI_USE_LLVM_UNWINDER=OFF -DLIBCXXABI_SILENT_TERMINATE=ON)
    local lib
    for lib in LIBCXX LIBCXXABI; do
        options+=(
            -D${lib}_ENABLE_SHARED=OFF -D${lib}_ENABLE_EXCEPTIONS=OFF -D${lib}_INCLUDE_TESTS=OFF
            -D${lib}_ENABLE_THREADS=$threads -D${lib}_HAS_PTHREAD_API=$threads
            -D${lib}_HAS_EXTERNAL_THREAD_API=OFF -D${lib}_HAS_WIN32_THREAD_API=OFF
            -D${lib}_INSTALL_INCLUDE_DIR="include/$triple/c++/v1" -D${lib}_LIBDIR_SUFFIX="/$triple")
    done
    options+=(-DLIBCXX_INSTALL_INCLUDE_TARGET_DIR="include/$triple/c++/v1")
    cmake -G Ninja -S "$build/llvm/runtimes" -B "$build/libcxx" -Wno-dev "${options[@]}"
    ninja -C "$build/libcxx" install
}

find_component_ld() {
    local file
    for file in "$(type -P wasm-component-ld)" "$HOME/.cargo/bin/wasm-component-ld"; do
        # one that can be told to leave the adapter out
        if [[ -x $file ]] && "$file" --help 2>/dev/null | grep -q -e --wasi-adapter; then
            echo "$file"
            return
        fi
    done
    return 1
}

# bin/wasm-component-ld is our script; libexec holds what does its work.
make_component_ld() {
    local found
    mkdir -p "$out/libexec" "$out/bin"
    install -m 755 "$here/wasm-component-ld" "$out/bin/"
    if libc_is_pure; then touch "$out/libexec/no-adapter"; fi
    if found=$(find_component_ld); then
        cp "$found" "$out/libexec/wasm-component-ld"
    elif ! libc_is_pure || ! npm_component_ld; then
        cargo_component_ld
    fi
}

npm_component_ld() {
    [[ $(command -v npm) ]] || await_packages
    say "npm package @bytecodealliance/jco-transpile $jco, which makes components"
    npm install --no-fund --no-audit --ignore-scripts --prefix "$out/libexec" \
        --fetch-retries=1 --fetch-retry-mintimeout=2000 --fetch-retry-maxtimeout=5000 \
        "@bytecodealliance/jco-transpile@$jco" && cp "$here/component-new.mjs" "$out/libexec/"
}

cargo_component_ld() {
    [[ $(command -v cargo) ]] || die "npm could not install @bytecodealliance/jco-transpile, and" \
        "there is neither cargo nor wasm-component-ld: check the network"
    say "crate wasm-component-ld $component_ld, with cargo install (1 to 3 minutes)"
    cargo install wasm-component-ld --version "=$component_ld" --locked --root "$build/cargo" ||
        die "cargo could not install wasm-component-ld $component_ld: check the network"
    mv "$build/cargo/bin/wasm-component-ld" "$out/libexec/"
}

# The tree must turn C++ into a component before anybody gets it.
try_out() {
    cat >"$build/try.cpp" <<'END'
#include <coroutine>
#include <expected>
#include <filesystem>
#include <fstream>
#include <mutex>
int main(int, char** argv) { return std::ifstream(std::filesystem::path(argv[0])).is_open(); }
END
    "$out/bin/clang++" --target=$triple -std=c++23 -O2 -fno-exceptions -mtail-call \
        "$build/try.cpp" -o "$build/try.wasm" || die "the assembled toolchain does not compile C++"
    # a component's header: magic, version 13, layer 1
    [[ $(od -An -tx1 -N8 "$build/try.wasm") == ' 00 61 73 6d 0d 00 01 00' ]] ||
        die "the assembled toolchain does not make components"
}
