use super::*;
use crate::machine::tests::folder;

fn look_at(files: &[(&str, &str)]) -> Vec<DiscoveredUpstream> {
    let folder = folder(files);
    look(&Machine::below(folder.path(), &[], "/"))
}

const RELEASE: (&str, &str) = ("/etc/os-release", "ID=debian\nVERSION_CODENAME=bookworm\n");

/// Addresses with what they are for.
fn found(files: &[(&str, &str)]) -> Vec<(String, Option<String>, bool)> {
    let all = look_at(files).into_iter();
    all.map(|one| (one.url, one.own_mirror, one.default))
        .collect()
}

#[test]
fn the_archive_of_the_running_release_is_the_default() {
    let sources = "Types: deb\n# old\nURIs: https://a.example/debian-security\n\
        Suites: bookworm-security\nComponents: main\n\nTypes: deb deb-src\n\
        URIs: https://a.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\n\
        Types: deb\nEnabled: no\nURIs: https://a.example/off\nSuites: x\n";
    let list = "# deb https://a.example/comment x main\n\
        deb [arch=amd64 signed-by=/k.gpg] https://b.example/tools ./\n\
        deb-src https://a.example/debian bookworm main\n\
        deb cdrom:[x]/ bookworm main\n";
    let all = found(&[
        RELEASE,
        ("/etc/apt/sources.list.d/a.sources", sources),
        ("/etc/apt/sources.list.d/b.list", list),
        ("/etc/apt/sources.list.d/c.list.disabled", list),
    ]);
    let of =
        |url: &str, name: Option<&str>| (url.to_owned(), name.map(str::to_owned), name.is_none());
    assert_eq!(
        all,
        [
            of("https://a.example/debian/", None),
            of(
                "https://a.example/debian-security/",
                Some("debian-security")
            ),
            of("https://b.example/tools/", Some("tools")),
        ]
    );
}

#[test]
fn names_of_mirrors_are_their_own() {
    let list = "deb https://a.example/x/Main bookworm main\ndeb https://b.example/y/main s main\n\
        deb https://c.example/ubuntu s main\ndeb https://d.example/ubuntu s main\ndeb https://e.example/ s main\n";
    let all = found(&[RELEASE, ("/etc/apt/sources.list", list)]);
    let names: Vec<Option<&str>> = all.iter().map(|(_, name, _)| name.as_deref()).collect();
    assert_eq!(
        names,
        [
            None,
            Some("main-2"),
            Some("ubuntu"),
            Some("ubuntu-2"),
            Some("e.example")
        ]
    );
    assert_eq!(found(&[RELEASE]), []);
}

#[test]
fn keys_are_those_that_sources_name() {
    let block = format!("{BEGIN}\n\nAAAA\n{END}");
    let within = format!(
        "Types: deb\nURIs: https://a.example/x\nSuites: s\nSigned-By:\n {BEGIN}\n .\n AAAA\n {END}\n"
    );
    let keys = |files: &[(&str, &str)]| {
        look_at(files)
            .into_iter()
            .next()
            .expect("an archive")
            .trusted_keys
    };
    let sources = "/etc/apt/sources.list.d/a.sources";
    assert_eq!(keys(&[(sources, &within)]), Some(block.clone()));
    let named = "Types: deb\nURIs: https://a.example/x\nSuites: s\nSigned-By: /k.asc\n";
    assert_eq!(
        keys(&[(sources, named), ("/k.asc", &block)]),
        Some(block.clone())
    );
    assert_eq!(keys(&[(sources, named)]), None);
    let none = "deb https://a.example/x s main\n";
    let trusted = "/etc/apt/trusted.gpg.d/a.asc";
    assert_eq!(
        keys(&[("/etc/apt/sources.list", none), (trusted, &block)]),
        Some(block)
    );
    let armored = armored(&[0x99, 0xff, 0x00]).expect("a keyring");
    assert_eq!(armored, format!("{BEGIN}\n\nmf8A\n{END}"));
}
