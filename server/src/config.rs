//! Flags and environment variables.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::{Parser, ValueEnum};
use settee::{
    keys::Token,
    server::{Creation, Origin, Quotas},
};
use settee_shell::Site;

use crate::{
    error::Error, push::PushFlags, quotas::QuotaFlags, service::Settings, telemetry::LogFormat,
};

const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);

/// Serves Settee: the app's pages, and the sync of its lists.
///
/// Without any flag it serves on 127.0.0.1:3000 and keeps its data in ./data. To the outside it
/// belongs behind a proxy that speaks TLS and hands the Host header on.
#[derive(Debug, Clone, Parser)]
#[command(name = "settee-server", version)]
pub struct Config {
    /// The address to listen on; port 0 takes a free one [default: 127.0.0.1:3000]
    ///
    /// Without it `LEPTOS_SITE_ADDR` counts, which cargo-leptos sets.
    #[arg(long, env = "SETTEE_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,

    /// The folder to keep all data in; it is made if it isn't there
    #[arg(long, env = "SETTEE_DATA", value_name = "DIR", default_value = "data")]
    data: PathBuf,

    /// An address that pages may connect from, besides the server's own; can be repeated
    ///
    /// Needed where a proxy doesn't hand on the Host header, or where the page is served from
    /// elsewhere. In the variable, addresses are separated by commas.
    #[arg(long = "origin", env = "SETTEE_ORIGIN", value_name = "URL", value_delimiter = ',')]
    origins: Vec<Origin>,

    /// Who may bring lists to this server
    #[arg(long, env = "SETTEE_CREATE", value_name = "WHO", value_enum,
        default_value_t = Creators::Open)]
    create: Creators,

    /// The token for `--create token`: 43 characters of base64url, kept secret
    ///
    /// The variable is better, because others on the machine can see a program's flags.
    #[arg(
        long,
        env = "SETTEE_CREATE_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true,
        required_if_eq("create", "token")
    )]
    create_token: Option<Token>,

    #[command(flatten)]
    quotas: QuotaFlags,

    #[command(flatten)]
    push: PushFlags,

    /// Serve sync alone, without the app's pages
    #[arg(long, env = "SETTEE_SYNC_ONLY")]
    sync_only: bool,

    /// How to write the log, on stderr; `RUST_LOG` says how much of it
    #[arg(long, env = "SETTEE_LOG_FORMAT", value_name = "FORMAT", value_enum,
        default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// Who may bring lists to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Creators {
    /// Everybody
    Open,
    /// Whoever knows the token
    Token,
    /// Nobody
    Closed,
}

impl Config {
    pub fn listen(&self) -> SocketAddr {
        let from_leptos = || std::env::var("LEPTOS_SITE_ADDR").ok()?.parse().ok();
        self.listen.or_else(from_leptos).unwrap_or(DEFAULT_ADDRESS)
    }

    pub fn settings(&self) -> Result<Settings, Error> {
        let site =
            if self.sync_only { None } else { Some(Site::find("settee").map_err(Error::Site)?) };
        let creation = match (self.create, &self.create_token) {
            (Creators::Open, _) => Creation::Open,
            (Creators::Token, Some(token)) => Creation::Token(token.clone()),
            (Creators::Closed, _) | (Creators::Token, None) => Creation::Closed,
        };
        let (origins, quotas) = (self.origins.clone(), Quotas::from(&self.quotas));
        let push = self.push.clone();
        Ok(Settings { site, origins, creation, quotas, push, ..Settings::new(&self.data) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn flags_are_consistent() {
        Config::command().debug_assert();
    }

    #[test]
    fn flags_are_read() {
        let flags = ["settee-server", "--listen", "127.0.0.1:0", "--origin", "https://a.example/"];
        let config = Config::try_parse_from(flags).unwrap();
        assert_eq!(config.listen().port(), 0);
        assert_eq!(config.origins, ["https://a.example".parse().unwrap()]);
        assert_eq!(config.data, PathBuf::from("data"));
        for wrong in [
            ["--origin", "a.example"],
            ["--listen", "here"],
            ["--connections", "0"],
            ["--create", "token"],
        ] {
            assert!(Config::try_parse_from(["settee-server", wrong[0], wrong[1]]).is_err());
        }
    }
}
