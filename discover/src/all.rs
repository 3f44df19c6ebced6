//! All protocols at once.

use crate::found::DiscoveredUpstream;
use crate::machine::Machine;
use crate::{cargo, composer, go, npm, pypi, rpm};
use larder_model::ProtocolName;
use std::sync::mpsc;
use std::time::{Duration, Instant};

type Look = fn(&Machine) -> Vec<DiscoveredUpstream>;

/// Each protocol and who looks for it.
const ALL: [(ProtocolName, Look); 6] = [
    (ProtocolName("cargo"), cargo::look),
    (ProtocolName("go"), go::look),
    (ProtocolName("npm"), npm::look),
    (ProtocolName("pypi"), pypi::look),
    (ProtocolName("rpm"), rpm::look),
    (ProtocolName("composer"), composer::look),
];

/// What each protocol's package managers use, what they ask by default first, each address once for
/// each use. Waits no longer than `limit`: who is not ready by then found nothing.
pub fn discover(
    machine: &Machine,
    limit: Duration,
) -> Vec<(ProtocolName, Vec<DiscoveredUpstream>)> {
    let all = discover_places(machine, limit).into_iter();
    all.map(|(protocol, found)| (protocol, once(found)))
        .collect()
}

/// The same with an address at every place where it is found: several package managers may have
/// the same.
pub fn discover_places(
    machine: &Machine,
    limit: Duration,
) -> Vec<(ProtocolName, Vec<DiscoveredUpstream>)> {
    let until = Instant::now() + limit;
    let (to, found) = mpsc::channel();
    for (number, (_, look)) in ALL.into_iter().enumerate() {
        let (to, machine) = (to.clone(), machine.clone());
        std::thread::spawn(move || to.send((number, look(&machine))));
    }
    drop(to);
    let mut all = ALL.map(|(protocol, _)| (protocol, Vec::new()));
    while let Ok((number, these)) =
        found.recv_timeout(until.saturating_duration_since(Instant::now()))
    {
        all[number].1 = these;
    }
    all.into()
}

/// The command that sets a protocol's upstream.
pub fn setting(protocol: ProtocolName) -> String {
    format!("larder repo set {protocol}/upstream --upstream URL")
}

/// Each address once for each use.
fn once(found: Vec<DiscoveredUpstream>) -> Vec<DiscoveredUpstream> {
    let mut kept: Vec<DiscoveredUpstream> = Vec::new();
    for one in found {
        if !kept.iter().any(|other| is_same(other, &one)) {
            kept.push(one);
        }
    }
    kept
}

/// Whether an address is there already for the same use, or for all.
fn is_same(there: &DiscoveredUpstream, one: &DiscoveredUpstream) -> bool {
    let is_place = (&there.url, &there.mirror_list) == (&one.url, &one.mirror_list);
    is_place && (there.default || there.only == one.only)
}

#[cfg(test)]
mod tests;
