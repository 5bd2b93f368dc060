//! Which farm a verb speaks to: one that a server leads, named or found, or the folder of one that nobody leads.

use super::{Common, LinkArgs, Stop, link_stop, profile::Profile};
use klieg_api::client::Client;
use klieg_nodes::remote::{Cache, CacheError, LinkOptions};
use std::path::{Path, PathBuf};

/// What artifacts brought from elsewhere take in a cache at most. They stay, so that a transfer that broke off goes on.
const BROUGHT_BYTES_MAX: u64 = 5_000_000_000;

/// A farm.
pub enum Door {
    /// Behind a server.
    Far(Client),
    /// On this machine, without one.
    Near(PathBuf),
}

/// Finds the farm: the server that is named, by flag, environment or `klieg login`; then the one that leads the farm's folder; then
/// the folder.
pub fn open(common: &Common, link: &LinkArgs) -> Result<Door, Stop> {
    let folder = common.farm_folder()?;
    match named(link)?.or_else(|| leads(&folder)) {
        Some(options) => client(&options).map(Door::Far),
        None => Ok(Door::Near(folder)),
    }
}

/// The same for what only a server can tell or do.
pub fn server(common: &Common, link: &LinkArgs) -> Result<Client, Stop> {
    match open(common, link)? {
        Door::Far(client) => Ok(client),
        Door::Near(folder) => Err(Stop::bad(format!(
            "no server leads the farm in {}: start one with `klieg serve`, or name one with --server URL or `klieg login URL`",
            folder.display()
        ))),
    }
}

fn named(link: &LinkArgs) -> Result<Option<LinkOptions>, Stop> {
    if !link.server.is_empty() {
        return link.options().map(Some);
    }
    let Some(profile) = Profile::read()? else { return Ok(None) };
    Ok(Some(LinkOptions { servers: vec![profile.server], token: profile.token, ca: profile.ca.or_else(|| link.ca.clone()) }))
}

/// The server that leads a folder's farm on this machine, if one listens there.
fn leads(folder: &Path) -> Option<LinkOptions> {
    let server = std::fs::read_to_string(folder.join("leader")).ok()?.trim().to_owned();
    let token = klieg_api::token_in(&folder.join("token"), false).ok()?;
    let place = server.split_once("://")?.1.split('/').next()?.to_owned();
    let addresses: Vec<_> = std::net::ToSocketAddrs::to_socket_addrs(&place).ok()?.collect();
    let listens = |address: &std::net::SocketAddr| std::net::TcpStream::connect_timeout(address, LISTENS_MAX).is_ok();
    addresses.iter().any(listens).then(|| LinkOptions { servers: vec![server], token, ca: None })
}

/// How long a server on this machine may take to take a call.
const LISTENS_MAX: std::time::Duration = std::time::Duration::from_millis(500);

/// A client that keeps what it brings.
pub fn client(options: &LinkOptions) -> Result<Client, Stop> {
    Client::new(options, cache()?).map_err(|e| link_stop(&e))
}

/// One that is free: a cache belongs to one process at a time.
fn cache() -> Result<Cache, Stop> {
    let place = directories::ProjectDirs::from("", "", "klieg").map(|dirs| dirs.cache_dir().join("brought"));
    let place = place.ok_or_else(|| Stop::bad("find the user's cache folder: HOME is not set"))?;
    let mut number = 0;
    loop {
        match Cache::open(&place.join(number.to_string()), BROUGHT_BYTES_MAX) {
            Err(CacheError::Busy(_)) if number + 1 < CACHES_MAX => number += 1,
            opened => return opened.map_err(|e| Stop::failed(format!("failed to {e}"))),
        }
    }
}

/// Processes that bring something at a time.
const CACHES_MAX: u32 = 16;
