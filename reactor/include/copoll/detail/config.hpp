// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

/// COPOLL_SYMMETRIC_TRANSFER is 1 where returning a handle from `await_suspend` is a tail call, so
/// that a chain of awaits uses no stack. Where it is not, the loop's trampoline resumes the handle:
/// WebAssembly without `-mtail-call`, and GCC, which makes tail calls only when it optimizes and
/// without sanitizers, while a program may mix a library with -O2 and code of its own with -O0.
/// Defined by hand it must be the same in the whole program.
#if defined(COPOLL_SYMMETRIC_TRANSFER)
#elif defined(__wasm_tail_call__) || (defined(__clang__) && !defined(__wasm__))
#define COPOLL_SYMMETRIC_TRANSFER 1
#else
#define COPOLL_SYMMETRIC_TRANSFER 0
#endif

/// An inline namespace around what every program calls: parts that chose differently do not link.
#if COPOLL_SYMMETRIC_TRANSFER
#define COPOLL_TRANSFER_NAMESPACE by_tail_call
#else
#define COPOLL_TRANSFER_NAMESPACE by_trampoline
#endif
