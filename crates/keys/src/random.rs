//! Random bytes and names.

/// Random bytes that nobody can guess.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Every supported platform has such a source. Going on without one would make secrets that can
    // be guessed.
    getrandom::fill(&mut bytes).expect("the platform has a source of randomness");
    bytes
}

/// A random number.
pub fn random_number() -> u64 {
    u64::from_le_bytes(random())
}

/// A name that no other device draws: 26 characters of Crockford's base 32.
pub fn random_name() -> String {
    crate::base::BASE32.encode(&random::<16>())
}
