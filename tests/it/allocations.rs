//! How much calls and runs allocate. In a test binary of its own, since its allocator counts,
//! and what a process tells and measures of itself is there once for all of its tests.

#[expect(dead_code, unused_imports, reason = "the other tests need the rest")]
mod harness;

mod cost {
    mod allocations;
    #[expect(dead_code, reason = "the other tests need the rest")]
    mod calls;
    #[expect(dead_code, reason = "the other tests need the rest")]
    mod table;
}
