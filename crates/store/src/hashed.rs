//! Hash tables for the short keys of this crate. The standard library's hasher took a tenth of the time in
//! which a browser opens a database.

use foldhash::fast::RandomState;

pub type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
pub type HashSet<K> = std::collections::HashSet<K, RandomState>;
