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
        "list https://list.example/ false false",
        "extra http://extra.example/ false false",
    ];
    assert_eq!(found.iter().map(line).collect::<Vec<_>>(), expected);
    assert_eq!(found[0].address(), Some("https://registry.example/"));
    assert_eq!(look(&Machine::below(Path::new("/nowhere"), &[], "/")), []);
}

#[test]
fn what_a_subscription_shows_and_takes() {
    let text = "[paid]\nbaseurl=https://cdn.example/paid\nsslclientcert=/etc/pki/us.pem\n\
                sslclientkey = file:///etc/pki/us-key.pem\nsslcacert=/etc/pki/them.pem\n\
                [one]\nbaseurl=https://cdn.example/one\nsslclientcert=/etc/pki/both.pem\n\
                [other]\nbaseurl=https://cdn.example/other\nsslclientcert=pkcs11:token=x\n\
                sslclientkey=/etc/pki/us-key.pem\n";
    let files = [("/etc/yum.repos.d/a.repo", text), ("/etc/pki/us.pem", "US")];
    let folder = folder(&files);
    let machine = Machine::below(folder.path(), &[], "/");
    let found = look(&machine);
    let paths = |found: &DiscoveredUpstream| {
        let (certificate, key) = found.certificates.client.clone().unzip();
        [certificate, key, found.certificates.authorities.clone()]
            .map(|pem| pem.map(|pem| pem.to_string()).unwrap_or_default())
    };
    assert_eq!(
        paths(&found[0]),
        [
            "/etc/pki/us.pem",
            "/etc/pki/us-key.pem",
            "/etc/pki/them.pem"
        ]
    );
    assert_eq!(
        paths(&found[1]),
        ["/etc/pki/both.pem", "/etc/pki/both.pem", ""]
    );
    assert_eq!(paths(&found[2]), ["", "", ""]);
    let (certificate, key) = found[0].certificates.client.clone().expect("both");
    assert_eq!(certificate.read(&machine), Ok("US".to_owned()));
    let unread = key.read(&machine).expect_err("it is not there");
    assert_eq!(unread, "/etc/pki/us-key.pem cannot be read");
}

#[test]
fn lists_of_mirrors_have_their_variables_read() {
    let text = "[fedora]\nmetalink=https://m.example/metalink?repo=fedora-$releasever&arch=${basearch}\n\
                [epel]\nmirrorlist=https://m.example/list/mirrorlist?repo=$contentdir&x=$unknown\n\
                [both]\nmetalink=https://m.example/metalink?repo=x\nbaseurl=https://a.example/\n\
                [off]\nmetalink=https://m.example/metalink?repo=y\nenabled=0\n";
    let files = [
        ("/etc/yum.repos.d/a.repo", text),
        ("/etc/os-release", "NAME=x\nVERSION_ID=\"9.4\"\n"),
        ("/etc/dnf/vars/contentdir", "pub/rocky\n"),
    ];
    let folder = folder(&files);
    let found = look(&Machine::below(folder.path(), &[], "/"));
    let arch = variables(&Machine::below(folder.path(), &[], "/"));
    let arch = arch
        .iter()
        .find(|(name, _)| name == "basearch")
        .map(|(_, arch)| arch);
    let list = format!(
        "https://m.example/metalink?repo=fedora-9&arch={}",
        arch.expect("arch")
    );
    assert_eq!(found[0].mirror_list.as_deref(), Some(&*list));
    assert_eq!(found[0].address(), Some("https://m.example/"));
    assert_eq!(
        found[1].mirror_list.as_deref(),
        Some("https://m.example/list/mirrorlist?repo=pub/rocky&x=$unknown")
    );
    assert_eq!(found[1].address(), None, "nobody knows what it is for");
    assert_eq!(
        (found[2].address(), &found[2].mirror_list),
        (Some("https://a.example/"), &None)
    );
    assert_eq!(found.len(), 3);
}
