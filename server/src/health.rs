//! `larder health`: whether the server that runs with this configuration on this machine is ready.

use larder_config::{Config, Tls};
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Asks it. Fails with what it says, or that it says nothing.
pub(crate) async fn health(config: &Config) -> Result<(), Box<dyn Error>> {
    let url = url(config)?;
    larder_cli::ready(&url).await.map_err(Into::into)
}

/// Where it is asked.
fn url(config: &Config) -> Result<String, String> {
    let listen = config.server.listen;
    if listen.port() == 0 {
        return Err("server.listen has port 0, so it is not known where the server is".to_owned());
    }
    let scheme = match config.server.tls {
        Tls::Off => "http",
        Tls::SelfSigned | Tls::Files { .. } => "https",
    };
    Ok(format!("{scheme}://{}/readyz", reachable(listen)))
}

/// An address of this machine at which that one is reached.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests;
