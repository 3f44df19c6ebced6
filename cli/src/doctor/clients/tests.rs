use super::*;
use crate::doctor::finding::State;
use std::collections::BTreeMap;
use std::time::Duration;
use tempfile::TempDir;

const SERVER: &str = "https://larder.example";

/// A machine on which these programs are installed, with these files in its home.
fn machine(programs: &[&str], files: &[(&str, &str)]) -> (TempDir, Machine) {
    let folder = tempfile::tempdir().expect("folder");
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).expect("bin");
    for program in programs {
        std::fs::write(bin.join(program), "").expect("program"); // cannot be run
    }
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        std::fs::write(path, text).expect("file");
    }
    let home = folder.path().display().to_string();
    let variables = [("HOME", home), ("PATH", bin.display().to_string())];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    let machine = Machine::new(variables, folder.path().to_owned());
    (folder, machine)
}

fn found(programs: &[&str], files: &[(&str, &str)]) -> BTreeMap<String, (Finding, Option<String>)> {
    let (_folder, machine) = machine(programs, files);
    let discovered = larder_discover::discover_places(&machine, Duration::from_secs(5));
    let wanted: Vec<String> = programs.iter().map(|name| (*name).to_owned()).collect();
    let found = look(&machine, &discovered, SERVER, &wanted).into_iter();
    found
        .map(|(finding, repo)| (finding.check.clone(), (finding, repo)))
        .collect()
}

#[test]
fn clients_that_go_through_are_told_from_those_that_do_not() {
    let programs = ["npm", "pip", "uv", "cargo", "podman", "docker"];
    let cargo = "[source.crates-io]\nreplace-with = 'larder'\n[source.larder]\n\
                 registry = 'sparse+https://larder.example/cargo/main/'\n";
    let found = found(
        &programs,
        &[
            (".npmrc", "registry=https://larder.example/npm/main/\n"),
            (
                ".config/pip/pip.conf",
                "[global]\nindex-url = https://else.example/simple/\n",
            ),
            (".cargo/config.toml", cargo),
            (
                ".config/containers/registries.conf",
                "[[registry]]\nprefix = 'docker.io'\nlocation = 'larder.example/docker.io'\n",
            ),
            (
                ".config/docker/daemon.json",
                "{\"registry-mirrors\": [\"https://larder.example/\"]}",
            ),
        ],
    );
    let of = |client: &str| &found[&format!("client {client}")];
    for (client, repo) in [
        ("npm", Some("npm/main")),
        ("cargo", Some("cargo/main")),
        ("podman", None),
        ("docker", None),
    ] {
        let (finding, through) = of(client);
        assert_eq!(finding.state, State::Ok, "{finding:?}");
        assert_eq!(through.as_deref(), repo, "{finding:?}");
    }
    let (pip, _) = of("pip");
    assert_eq!(pip.state, State::Problem);
    assert!(
        pip.detail
            .starts_with("asks https://else.example/simple/ ("),
        "{pip:?}"
    );
    assert_eq!(
        pip.fix.as_deref(),
        Some("larder connect pip pypi/main --write")
    );
    let (uv, _) = of("uv");
    assert_eq!(uv.detail, "nothing is set: it asks its own default");
}

#[test]
fn an_index_that_is_asked_besides_is_a_problem() {
    let pip = "[global]\nindex-url = https://larder.example/pypi/main/simple/\n\
               extra-index-url = https://else.example/simple/\n";
    let uv = "[[index]]\nurl = \"https://larder.example/pypi/main/simple/\"\ndefault = true\n";
    let files = [(".config/pip/pip.conf", pip), (".config/uv/uv.toml", uv)];
    let found = found(&["pip", "uv"], &files);
    let (pip, _) = &found["client pip"];
    assert_eq!(pip.state, State::Problem);
    assert!(
        pip.detail
            .starts_with("asks https://else.example/simple/ besides"),
        "{pip:?}"
    );
    let fix = pip.fix.as_deref().expect("fix");
    assert!(
        fix.starts_with("take that index out of") && fix.ends_with("pip.conf"),
        "{fix}"
    );
    assert_eq!(
        found["client uv"].1.as_deref(),
        Some("pypi/main"),
        "pip's is not uv's"
    );
}

#[test]
fn a_host_that_begins_alike_is_another() {
    for (url, repo) in [
        ("https://larder.example/npm/main/", Some("npm/main")),
        ("https://larder.example/npm/main", Some("npm/main")),
        ("https://larder.example.evil/npm/main/", None),
        ("https://larder.example/npm/", None),
        ("https://larder.example/npmx/main/", None),
        ("http://larder.example/npm/main/", None),
    ] {
        assert_eq!(repo_at(url, SERVER, "npm").as_deref(), repo, "{url}");
    }
    assert!(is_at("a.example/x", "a.example") && !is_at("a.example.evil/x", "a.example"));
}

#[test]
fn what_is_not_installed_is_said_only_if_asked_for() {
    let (_folder, machine) = machine(&[], &[]);
    let discovered = larder_discover::discover_places(&machine, Duration::from_secs(5));
    assert!(look(&machine, &discovered, SERVER, &[]).is_empty());
    let found = look(&machine, &discovered, SERVER, &["dnf".to_owned()]);
    assert_eq!(found[0].0.state, State::Note);
}

#[test]
fn repositories_with_a_list_of_mirrors_alone_go_elsewhere() {
    let text = "[main]\nkeepcache=1\n[a]\nmetalink = https://m.example/a\n[b]\nmirrorlist=x\n\
                baseurl=https://larder.example/rpm/main/\n[c]\nenabled=No\nmetalink=x\n";
    assert_eq!(listed_only(text), ["a"]);
    assert!(listed_only("").is_empty());
}

#[test]
fn composer_goes_through_where_its_own_repository_is_off() {
    let config = |more: &str| {
        format!(
            "{{\"repositories\":{{\"larder\":{{\"type\":\"composer\",\
            \"url\":\"{SERVER}/composer/main/\"}}{more}}}}}"
        )
    };
    let state = |more: &str| {
        let files = [(".config/composer/config.json", &*config(more))];
        let found = found(&["composer"], &files);
        found["client composer"].0.state
    };
    assert_eq!(state(",\"public\":false"), State::Ok);
    assert_ne!(state(""), State::Ok);
    let besides =
        ",\"public\":false,\"other\":{\"type\":\"composer\",\"url\":\"https://else.example\"}";
    assert_ne!(state(besides), State::Ok);
}
