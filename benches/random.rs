//! Numbers that look random and are the same in each run.

/// Marsaglia's xorshift.
pub fn xorshift() -> impl FnMut() -> u64 {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}
