// SPDX-License-Identifier: Apache-2.0
// clang's thread-safety attributes; nothing under other compilers.
#pragma once

#if defined(__clang__)
#define HF_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define HF_THREAD_ATTRIBUTE(x)
#endif

#define HF_CAPABILITY(name) HF_THREAD_ATTRIBUTE(capability(name))
#define HF_SCOPED_CAPABILITY HF_THREAD_ATTRIBUTE(scoped_lockable)
#define HF_GUARDED_BY(x) HF_THREAD_ATTRIBUTE(guarded_by(x))
#define HF_PT_GUARDED_BY(x) HF_THREAD_ATTRIBUTE(pt_guarded_by(x))
#define HF_REQUIRES(...) HF_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define HF_ACQUIRE(...) HF_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define HF_TRY_ACQUIRE(...) HF_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define HF_RELEASE(...) HF_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define HF_EXCLUDES(...) HF_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define HF_ASSERT_CAPABILITY(x) HF_THREAD_ATTRIBUTE(assert_capability(x))
#define HF_RETURN_CAPABILITY(x) HF_THREAD_ATTRIBUTE(lock_returned(x))
#define HF_NO_THREAD_SAFETY_ANALYSIS HF_THREAD_ATTRIBUTE(no_thread_safety_analysis)
