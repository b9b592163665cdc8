//! What one client, one address and all together may use of a server.

/// Limits on what strangers may use. Each has a default that an ordinary client never meets.
#[derive(Debug, Clone)]
pub struct Quotas {
    /// Most databases in all.
    pub databases: u64,
    /// Most databases that one connection may create.
    pub creations: u32,
    /// Most databases that may be created from one address in an hour.
    pub creations_from_address: u32,
    /// Most documents of a database, deleted ones included.
    pub documents: u64,
    /// What a database may take, in bytes.
    pub bytes: u64,
    /// What all databases may take, in bytes.
    pub bytes_in_all: u64,
    /// What has to be left on the disk, in bytes. With less, nothing more is written; reading goes on.
    pub reserve: u64,
    /// Most connections for sync at a time.
    pub connections: u32,
    /// Most TCP connections at a time beyond those: requests for pages and files.
    pub requests: u32,
    /// Most TCP connections from one address at a time.
    ///
    /// An address is an IPv4 address or the first 64 bits of an IPv6 address. Clients on the server's
    /// own machine or a private network have none, unless they are named in `X-Forwarded-For`: a proxy
    /// there is believed.
    pub connections_from_address: u32,
    /// Frames of a connection that are read in a second. With more, reading waits.
    pub frames_per_second: u32,
    /// Bytes of frames of a connection that are read in a second. With more, reading waits.
    pub bytes_per_second: u32,
    /// What all connections together may hold of frames that are not done with, in bytes, besides
    /// 64 KiB of each. With more, reading waits. It counts what frames take in memory until the store is
    /// done with them, which is several times their length where documents are small.
    pub bytes_in_work: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            databases: 1_000_000,
            creations: 1_000,
            creations_from_address: 10_000,
            documents: 1_000_000,
            bytes: 1 << 30,
            bytes_in_all: u64::MAX,
            reserve: 256 << 20,
            connections: 10_000,
            requests: 1_024,
            connections_from_address: 256,
            frames_per_second: 20_000,
            bytes_per_second: 64 << 20,
            bytes_in_work: 256 << 20,
        }
    }
}
