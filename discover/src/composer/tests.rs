use super::*;
use crate::found::Secret;
use crate::machine::tests::found;

const HOME: &str = "/home/me/.config/composer";

fn shown(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Vec<String> {
    let line = |found: &DiscoveredUpstream| {
        let secret = found.password.as_ref().map_or("", Secret::expose);
        let only = found.only.as_deref().unwrap_or("*");
        let user = found.username.as_deref().unwrap_or_default();
        let line = format!("{only} {} {} {user} {secret}", found.url, found.place);
        line.trim_end().to_owned()
    };
    let all = found(files, variables, "/code/project", look);
    all.iter().map(line).collect()
}

#[test]
fn the_first_repository_takes_the_place_of_one_that_is_off() {
    let global = format!("{HOME}/config.json");
    let text = r#"{"config":{"cafile":"/etc/ca.pem"},"repositories":{
        "corp":{"type":"composer","url":"https://corp.example/php/packages.json"},
        "git":{"type":"vcs","url":"https://git.example/x"},
        "own":{"type":"composer","url":"https://own.example"},
        "public":false}}"#;
    let auth = format!("{HOME}/auth.json");
    let logins = r#"{"http-basic":{"corp.example":{"username":"me","password":"abc"}},
        "bearer":{"own.example":"xyz"}}"#;
    let files = [(&*global, text), (&*auth, logins)];
    let expected = [
        format!("* https://corp.example/php/ {global} me abc"),
        format!("own https://own.example/ {global}  xyz"),
    ];
    assert_eq!(shown(&files, &[]), expected);
    let variable = [(
        "COMPOSER_AUTH",
        r#"{"http-basic":{"corp.example":{"username":"you","password":"def"}}}"#,
    )];
    let first = format!("* https://corp.example/php/ {global} you def");
    assert_eq!(shown(&files, &variable)[0], first);
    let all = found(&files, &[], "/code/project", look);
    let authorities = all[0].certificates.authorities.as_ref();
    assert_eq!(
        authorities.map(ToString::to_string).as_deref(),
        Some("/etc/ca.pem")
    );
}

#[test]
fn a_project_comes_before_a_person() {
    let project = (
        "/code/project/composer.json",
        r#"{"repositories":[
        {"public":false},
        {"type":"composer","url":"https://project.example/a"},
        {"type":"path","url":"../x"}]}"#,
    );
    let global = format!("{HOME}/config.json");
    let person =
        r#"{"repositories":[{"type":"composer","url":"https://me.example","name":"mine"}]}"#;
    let found = shown(&[project, (&global, person)], &[]);
    assert_eq!(
        found,
        [
            "* https://project.example/a/ /code/project/composer.json".to_owned(),
            format!("mine https://me.example/ {global}"),
        ]
    );
}

#[test]
fn what_is_wrong_finds_nothing() {
    let global = format!("{HOME}/config.json");
    for text in [
        "",
        "not JSON",
        "[]",
        r#"{"repositories":7}"#,
        r#"{"repositories":[1,"x",{}]}"#,
    ] {
        let off = r#"{"repositories":{"public":false}}"#;
        let files = [("/code/project/composer.json", off), (&*global, text)];
        assert_eq!(shown(&files, &[]), [""; 0], "{text}");
    }
}

#[test]
fn it_tells_its_repositories() {
    let said = "Warning: something\n{\"corp\":{\"type\":\"composer\",\"url\":\"https://corp.example\"},\
        \"public\":{\"type\":\"composer\",\"url\":\"https://public.example\"}}\n";
    let urls: Vec<String> = told(said).into_iter().map(|found| found.url).collect();
    assert_eq!(urls, ["https://corp.example/", "https://public.example/"]);
    for said in ["", "[]", "{}", "{\"public\":false}"] {
        assert!(told(said).is_empty(), "{said}");
    }
}
