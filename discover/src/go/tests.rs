use super::*;
use crate::found::Secret;
use crate::machine::tests::found;

const KEY: &str = "sum.example+4a8a4721+ATijk8OJeHKvwrab0svy6BBZ9Z/qr34Mh4/FKF6nRkkV";

fn shown(found: &[DiscoveredUpstream]) -> Vec<String> {
    let line = |found: &DiscoveredUpstream| {
        let only = found.only.as_deref().unwrap_or("*");
        let secret = found.password.as_ref().map_or("", Secret::expose);
        format!("{only} {} {} {secret}", found.url, found.place)
            .trim_end()
            .to_owned()
    };
    found.iter().map(line).collect()
}

#[test]
fn a_file_and_a_variable_before_it() {
    let text = format!(
        "GOPROXY=https://one.example/go,https://two.example|direct\nGOSUMDB={KEY} https://l.example\n\
         GONOSUMDB=corp.example/*, *.corp.example\nGOVULNDB=https://v.example\n"
    );
    let netrc = "machine two.example login me password hunter2\nmachine one.example\n  login you\n\
                 password hunter3\n";
    let files = [
        ("/home/me/.config/go/env", &*text),
        ("/home/me/.netrc", netrc),
    ];
    let all = found(&files, &[], "/code", look);
    let at = "/home/me/.config/go/env";
    let expected = [
        format!("* https://one.example/go/ {at} hunter3"),
        format!("{LATER} https://two.example/ {at} hunter2"),
    ];
    assert_eq!(shown(&all), expected);
    let database = all[0].checksums.as_ref().expect("a database");
    assert_eq!(
        (&*database.key, database.url.as_deref()),
        (KEY, Some("https://l.example/"))
    );
    assert_eq!(database.except, ["corp.example/*", "*.corp.example"]);
    assert_eq!(
        all[0].vulnerabilities.as_deref(),
        Some("https://v.example/")
    );
    let variables = [("GOPROXY", "off"), ("GOSUMDB", "off")];
    assert_eq!(found(&files, &variables, "/code", look), []);
    let variables = [("GOPROXY", "https://three.example"), ("GOSUMDB", "off")];
    let all = found(&files, &variables, "/code", look);
    assert_eq!(shown(&all), ["* https://three.example/ $GOPROXY"]);
    assert!(all[0].checksums.is_none());
}

#[test]
fn a_database_that_is_known_by_name() {
    let keys = format!("var known = map[string]string{{\n\t\"sum.example\": \"{KEY}\",\n}}\n");
    let found = database("sum.example", "", Some(&keys)).expect("a database");
    assert_eq!((&*found.key, &found.url), (KEY, &None));
    assert!(database("other.example", "", Some(&keys)).is_none());
    assert!(database("off", "", Some(&keys)).is_none());
    assert!(database("sum.example", "", None).is_none());
}

#[test]
fn the_client_itself_is_asked() {
    let go =
        "#!/bin/sh\nprintf 'https://default.example,direct\\nsum.example\\n\\n\\n/opt/go\\n'\n";
    let keys = format!("\"sum.example\": \"{KEY}\"");
    let path = format!("/opt/go/{KEYS}");
    let folder = crate::machine::tests::folder(&[("/bin/go", go), (&path, &keys)]);
    let bin = folder.path().join("bin").display().to_string();
    let all = look(&Machine::below(folder.path(), &[("PATH", &bin)], "/"));
    assert_eq!(shown(&all), ["* https://default.example/ `go env GOPROXY`"]);
    assert_eq!(all[0].checksums.as_ref().map(|it| &*it.key), Some(KEY));
}
