//! Flags and environment variables for what strangers may use.

use clap::{Args, value_parser};
use settee::server::Quotas;

/// Bytes of the megabytes that flags are in.
const MEGABYTE: u64 = 1_000_000;

/// What strangers may use. What isn't set is the kit's default.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "What strangers may use")]
pub struct QuotaFlags {
    /// Most lists in all [default: 1000000]
    #[arg(long, env = "SETTEE_LISTS", value_name = "NUMBER")]
    lists: Option<u64>,

    /// Most lists that one connection may create [default: 1000]
    #[arg(long, env = "SETTEE_LISTS_PER_CONNECTION", value_name = "NUMBER")]
    lists_per_connection: Option<u32>,

    /// Most lists that may be created from one address in an hour [default: 10000]
    #[arg(long, env = "SETTEE_LISTS_PER_ADDRESS", value_name = "NUMBER")]
    lists_per_address: Option<u32>,

    /// Most todos of a list, deleted ones included [default: 1000000]
    #[arg(long, env = "SETTEE_LIST_LENGTH", value_name = "NUMBER")]
    list_length: Option<u64>,

    /// What a list may take, in MB [default: 1073]
    #[arg(long, env = "SETTEE_LIST_SIZE", value_name = "MB")]
    list_size: Option<u64>,

    /// What all lists together may take, in MB [default: no limit]
    #[arg(long, env = "SETTEE_SIZE", value_name = "MB")]
    size: Option<u64>,

    /// What has to be left on the disk, in MB: with less, nothing more is written [default: 268]
    #[arg(long, env = "SETTEE_RESERVE", value_name = "MB")]
    reserve: Option<u64>,

    /// Most connections for sync at a time [default: 10000]
    #[arg(long, env = "SETTEE_CONNECTIONS", value_name = "NUMBER",
        value_parser = value_parser!(u32).range(1..=1_000_000))]
    connections: Option<u32>,

    /// Most TCP connections at a time beyond those, for pages and files [default: 1024]
    #[arg(long, env = "SETTEE_REQUESTS", value_name = "NUMBER",
        value_parser = value_parser!(u32).range(1..=1_000_000))]
    requests: Option<u32>,

    /// Most TCP connections from one address at a time [default: 256]
    ///
    /// Behind a proxy on this machine or a private network, addresses are those that it adds to
    /// X-Forwarded-For.
    #[arg(long, env = "SETTEE_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER")]
    connections_per_address: Option<u32>,

    /// Frames of a connection that are read in a second [default: 20000]
    #[arg(long, env = "SETTEE_FRAMES_PER_SECOND", value_name = "NUMBER")]
    frames_per_second: Option<u32>,

    /// Bytes of a connection that are read in a second [default: 67108864]
    #[arg(long, env = "SETTEE_BYTES_PER_SECOND", value_name = "BYTES")]
    bytes_per_second: Option<u32>,

    /// Bytes that frames in work take in memory, of all connections together, besides 64 KiB of each
    /// [default: 268435456]
    #[arg(long, env = "SETTEE_BYTES_IN_WORK", value_name = "BYTES")]
    bytes_in_work: Option<u32>,
}

impl From<&QuotaFlags> for Quotas {
    fn from(flags: &QuotaFlags) -> Self {
        let usual = Self::default();
        let megabytes = |flag: Option<u64>, usual: u64| {
            flag.map_or(usual, |megabytes| megabytes.saturating_mul(MEGABYTE))
        };
        Self {
            databases: flags.lists.unwrap_or(usual.databases),
            creations: flags.lists_per_connection.unwrap_or(usual.creations),
            creations_from_address: flags.lists_per_address.unwrap_or(usual.creations_from_address),
            documents: flags.list_length.unwrap_or(usual.documents),
            bytes: megabytes(flags.list_size, usual.bytes),
            bytes_in_all: megabytes(flags.size, usual.bytes_in_all),
            reserve: megabytes(flags.reserve, usual.reserve),
            connections: flags.connections.unwrap_or(usual.connections),
            requests: flags.requests.unwrap_or(usual.requests),
            connections_from_address: flags
                .connections_per_address
                .unwrap_or(usual.connections_from_address),
            frames_per_second: flags.frames_per_second.unwrap_or(usual.frames_per_second),
            bytes_per_second: flags.bytes_per_second.unwrap_or(usual.bytes_per_second),
            bytes_in_work: flags.bytes_in_work.unwrap_or(usual.bytes_in_work),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        quotas: QuotaFlags,
    }

    #[test]
    fn what_is_not_set_is_the_default() {
        let quotas = |flags: &[&str]| {
            let flags = [&["server"], flags].concat();
            Quotas::from(&Flags::try_parse_from(flags).unwrap().quotas)
        };
        assert_eq!(quotas(&[]).documents, Quotas::default().documents);
        let set = quotas(&["--list-length", "7", "--reserve", "2", "--connections", "3"]);
        assert_eq!((set.documents, set.reserve, set.connections), (7, 2 * MEGABYTE, 3));
        assert!(Flags::try_parse_from(["server", "--connections", "0"]).is_err());
    }
}
