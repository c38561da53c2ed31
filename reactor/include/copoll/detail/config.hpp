// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

/// COPOLL_SYMMETRIC_TRANSFER is 1 where returning a handle from `await_suspend` is a tail call, so
/// that a chain of awaits uses no stack. Where it is not (WebAssembly without `-mtail-call`, GCC
/// without optimisation or with a sanitizer) the loop's trampoline resumes the handle instead.
#if defined(COPOLL_SYMMETRIC_TRANSFER)
#elif defined(__wasm__)
#if defined(__wasm_tail_call__)
#define COPOLL_SYMMETRIC_TRANSFER 1
#else
#define COPOLL_SYMMETRIC_TRANSFER 0
#endif
#elif defined(__clang__)
#define COPOLL_SYMMETRIC_TRANSFER 1
#elif defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
#define COPOLL_SYMMETRIC_TRANSFER 1
#else
#define COPOLL_SYMMETRIC_TRANSFER 0
#endif
