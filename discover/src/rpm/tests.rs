use super::*;
use crate::machine::tests::folder;

#[test]
fn repositories_that_are_on() {
    let base = "[main]\nbaseurl=https://no.example/\n[baseos]\nname=Base $releasever\nenabled = 1\n\
                baseurl=https://registry.example/$releasever/$basearch/os\n    https://second.example/\n\
                username=me\npassword=hunter2\n[source]\nbaseurl=https://source.example/\nenabled=0\n";
    let extra =
        "[list]\nmetalink=https://list.example/?x\n[extra]\nbaseurl=http://extra.example/\n";
    let files = [
        ("/etc/yum.repos.d/a.repo", base),
        ("/etc/yum.repos.d/b.repo", extra),
        ("/etc/yum.repos.d/c", base),
    ];
    let folder = folder(&files);
    let found = look(&Machine::below(folder.path(), &[], "/"));
    let line = |found: &DiscoveredUpstream| {
        let secret = found.password.is_some();
        format!(
            "{} {} {} {secret}",
            found.only.as_deref().unwrap_or_default(),
            found.url,
            found.default
        )
    };
    let expected = [
        "baseos https://registry.example/$releasever/$basearch/os/ true true",
        "extra http://extra.example/ false false",
    ];
    assert_eq!(found.iter().map(line).collect::<Vec<_>>(), expected);
    assert_eq!(found[0].address(), Some("https://registry.example/"));
    assert_eq!(look(&Machine::below(Path::new("/nowhere"), &[], "/")), []);
}
