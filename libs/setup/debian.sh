# Debian as the source of third-party parts. Read by libs/setup/setup.
#
# Two ways: packages of the machine's own release are installed; packages of other releases are
# only unpacked into the tool cache, through an apt configuration of our own, so that nothing
# about the machine's apt changes. apt checks signatures and hashes both ways.

os_release=${COPOLL_OS_RELEASE:-/etc/os-release}

# os_field NAME: a field of os-release.
os_field() { (. "$os_release" 2>/dev/null && echo "${!1-}"); }

on_debian() { [[ $(os_field ID) == debian ]] && command -v apt-get dpkg-query >/dev/null; }

# missing_packages PACKAGE...: which of these, and of what every build needs, are not installed.
# COMMAND=PACKAGE is there if the command is, wherever it came from.
missing_packages() {
    local item absent=()
    for item in cmake=cmake ninja=ninja-build c++=g++ python3=python3 "$@"; do
        case $item in
            *=*) command -v "${item%%=*}" >/dev/null || absent+=("${item#*=}") ;;
            *) [[ $(dpkg-query -W -f '${db:Status-Status}' "$item" 2>/dev/null) == installed ]] ||
                absent+=("$item") ;;
        esac
    done
    ((${#absent[@]})) || return 0
    on_debian || die "not installed: ${absent[*]}; use this system's package manager"
    [[ $(id -u) == 0 ]] || die "packages are missing; as root, run" \
        "apt-get install --no-install-recommends ${absent[*]}"
    echo "${absent[*]}"
}

# A job: installs $missing. Parts that need an installed package call await_packages.
install_packages() {
    if [[ $missing ]]; then
        export DEBIAN_FRONTEND=noninteractive
        say "from Debian $(os_field VERSION_CODENAME), with apt-get install: $missing"
        # after an install that was killed
        [[ -z $(ls -A /var/lib/dpkg/updates) ]] || dpkg --configure -a
        apt-get update || true # another source of this machine may be broken; install will tell
        # shellcheck disable=SC2086
        apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 $missing ||
            die "apt-get could not install these packages, is the network there? $missing"
        say "done"
    fi
    touch "$work/packages.ready"
    rm -f "$work/packages.now"
}

await_packages() {
    until [[ -e $work/packages.ready ]]; do read -r -t 0.2 -u 8 || true; done 8<> <(:)
}

# in_suite SUITE APT-COMMAND...: runs it in $dl, with SUITE of this machine's mirror all it sees.
in_suite() {
    local apt=$work/apt/$1
    mkdir -p "$apt"
    (
        flock 7 # the first part that needs the index reads it for all
        [[ -e $apt/ready ]] || read_index "$1" "$apt"
    ) 7>"$apt/lock" || return
    shift
    (cd "$dl" && APT_CONFIG=$apt/apt.conf "$@")
}

read_index() {
    local suite=$1 apt=$2 mirror=${COPOLL_DEBIAN_MIRROR-} codename
    codename=$(os_field VERSION_CODENAME)
    if [[ ! $mirror ]]; then # the one that serves this release
        mirror=$(apt-get update --print-uris |
            sed -n "s|^'\(.*\)/dists/$codename/InRelease'.*|\1|p")
        mirror=${mirror%%$'\n'*}
        [[ $mirror ]] || die "apt's sources name no mirror of Debian $codename;" \
            "set COPOLL_DEBIAN_MIRROR to the address of one"
    fi
    say "package index of Debian $suite, from the mirror in apt's sources"
    mkdir -p "$apt"/{sources,lists/partial,cache/archives/partial}
    cat >"$apt/sources/suite.sources" <<END
Types: deb deb-src
URIs: $mirror
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
    cat >"$apt/apt.conf" <<END
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/sources";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
APT::Update::Post-Invoke-Success "";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
END
    APT_CONFIG=$apt/apt.conf apt-get update && touch "$apt/ready"
}

not_from_debian() {
    local why
    why=$(grep '^E: ' "$log/$job.log" | head -n 1)
    die "cannot get $1 from Debian ${*:2} through the mirror in apt's sources:" \
        "${why:-check the network}"
}

# unpack_deb PACKAGE FOLDER SUITE...: from the first suite that has it.
unpack_deb() {
    local package=$1 folder=$2 suite
    shift 2
    for suite; do
        rm -f "$dl/$package"_*.deb
        if in_suite "$suite" apt-get download "$package"; then
            say "$(basename "$dl/$package"_*.deb) from Debian $suite"
            dpkg -x "$dl/$package"_*.deb "$folder"
            return
        fi
    done
    not_from_debian "$package" "$@"
}

# fetch_source PACKAGE SUITE...: sets $tarball to upstream's source, from the first suite that has
# it. A download that was interrupted goes on where it stopped.
fetch_source() {
    local package=$1 suite name
    shift
    for suite; do
        # --tar-only: a mirror can lack the .dsc; apt leaves out what the folder already holds
        name=$(dl=$build in_suite "$suite" apt-get source --print-uris --tar-only "$package" |
            sed -n "s/^'.*' \([^ ]*\.orig\.tar\.[^ ]*\) .*/\1/p") && [[ $name ]] || continue
        say "$name from Debian $suite"
        if in_suite "$suite" apt-get source --download-only --tar-only "$package"; then
            tarball=$dl/$name
            return
        fi
    done
    not_from_debian "the source of $package" "$@"
}
