//! All protocols at once.

use crate::found::Found;
use crate::machine::Machine;
use crate::{cargo, npm, pypi, rpm};
use larder_model::ProtocolName;
use std::sync::mpsc;
use std::time::{Duration, Instant};

type Look = fn(&Machine) -> Vec<Found>;

/// Each protocol and who looks for it.
const ALL: [(ProtocolName, Look); 4] = [
    (ProtocolName("cargo"), cargo::look),
    (ProtocolName("npm"), npm::look),
    (ProtocolName("pypi"), pypi::look),
    (ProtocolName("rpm"), rpm::look),
];

/// What each protocol's package managers use, what they ask by default first. Waits no longer than
/// `limit`: who is not ready by then found nothing.
pub fn discover(machine: &Machine, limit: Duration) -> Vec<(ProtocolName, Vec<Found>)> {
    let until = Instant::now() + limit;
    let (to, found) = mpsc::channel();
    for (number, (_, look)) in ALL.into_iter().enumerate() {
        let (to, machine) = (to.clone(), machine.clone());
        std::thread::spawn(move || to.send((number, once(look(&machine)))));
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
fn once(found: Vec<Found>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::new();
    for one in found {
        if !kept
            .iter()
            .any(|other| other.url == one.url && (other.default || other.only == one.only))
        {
            kept.push(one);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::tests::folder;

    #[test]
    fn every_protocol_is_looked_for() {
        let folder = folder(&[(
            "/etc/pip.conf",
            "[global]\nindex-url=https://pip.example/\n",
        )]);
        let path = folder.path().join("bin").display().to_string();
        let variables = [
            ("PATH", &*path),
            ("UV_INDEX", "x=https://pip.example/"),
            ("UV_INDEX_URL", "https://pip.example"),
        ];
        let found = discover(
            &Machine::below(folder.path(), &variables, "/"),
            Duration::from_mins(1),
        );
        let shown: Vec<_> = found
            .iter()
            .map(|(protocol, found)| (protocol.0, found.len()))
            .collect();
        assert_eq!(shown, [("cargo", 0), ("npm", 0), ("pypi", 1), ("rpm", 0)]);
        assert_eq!(
            setting(found[1].0),
            "larder repo set npm/upstream --upstream URL"
        );
    }

    #[test]
    fn nobody_is_waited_for_too_long() {
        let folder = folder(&[("/bin/npm", "#!/bin/sh\nexec /bin/sleep 60\n")]);
        let path = folder.path().join("bin").display().to_string();
        let machine = Machine::below(folder.path(), &[("PATH", &path)], "/");
        let begin = Instant::now();
        assert!(
            discover(&machine, Duration::from_millis(300))
                .iter()
                .all(|(_, found)| found.is_empty())
        );
        assert!(begin.elapsed() < Duration::from_secs(4));
    }
}
