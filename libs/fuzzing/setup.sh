# clang's libFuzzer and sanitizers for this machine. Only ./dev fuzz needs them and names this part;
# a set-up of everything leaves them out.
llvm=19
recipe="1 $llvm"

packages() { echo "clang++-$llvm=clang-$llvm libclang-rt-$llvm-dev"; }

usable() {
    ((${#parts[@]} == 1)) || return 0
    [[ $(type -P clang++-$llvm) ]] || return
    # the folder's name depends on who packaged clang
    local runtime=("$(clang++-$llvm -print-resource-dir)"/lib/*/libclang_rt.fuzzer*.a)
    ((${#runtime[@]}))
}

make_part() { await_packages; }
