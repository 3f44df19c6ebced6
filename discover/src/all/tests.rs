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
    assert_eq!(
        shown,
        [
            ("cargo", 0),
            ("deb", 0),
            ("go", 0),
            ("npm", 0),
            ("pypi", 1),
            ("rpm", 0),
            ("composer", 0)
        ]
    );
    assert_eq!(
        setting(found[3].0),
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
