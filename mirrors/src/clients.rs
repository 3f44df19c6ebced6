//! The clients of all protocols, by name.

use crate::connect::{Client, Part, Target};
use crate::{all, with_own_doors};
use larder_model::{Problem, ProtocolName, RepoKind};

/// All clients with their protocols.
fn clients() -> impl Iterator<Item = (ProtocolName, &'static Client)> {
    let protocols = all().into_iter().chain(with_own_doors());
    protocols.flat_map(|protocol| {
        let clients = protocol.connect().iter();
        clients.map(move |client| (protocol.name(), client))
    })
}

/// All clients with their protocols, in the order of protocols.
pub fn list() -> impl Iterator<Item = (ProtocolName, &'static Client)> {
    clients()
}

/// The client of this name. Fails if there is none.
pub fn client(name: &str) -> Result<&'static str, Problem> {
    find(name).map(|(_, client)| client.name)
}

fn find(name: &str) -> Result<(ProtocolName, &'static Client), Problem> {
    clients()
        .find(|(_, client)| client.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = clients().map(|(_, client)| client.name).collect();
            let detail = format!(
                "there is no configuration for a client of this name; there is for {}",
                names.join(", ")
            );
            Problem::not_found("client", detail)
        })
}

/// The configuration of a client for a repository. Fails if the client cannot use it.
pub fn connect(name: &str, target: &Target<'_>) -> Result<Vec<Part>, Problem> {
    let (protocol, client) = find(name)?;
    if protocol != target.protocol {
        let detail = format!(
            "{name} uses the protocol {protocol}; this repository's protocol is {}",
            target.protocol
        );
        return Err(Problem::invalid("client", detail));
    }
    if client.publishes_only && target.kind == RepoKind::Mirror {
        let detail = format!(
            "{name} only publishes, and nothing can be published to a mirror: \
             use a hosted repository or a group"
        );
        return Err(Problem::invalid("client", detail));
    }
    Ok((client.configuration)(target))
}

#[cfg(test)]
mod tests;
