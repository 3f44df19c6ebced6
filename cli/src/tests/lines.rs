//! The command line alone.

use super::Line;
use crate::command::Command;
use crate::grant::Grant;
use crate::user::User;
use clap::{CommandFactory, Parser};
use larder_model::{Pattern, Role};

fn parse(line: &str) -> Result<Line, clap::error::ErrorKind> {
    let words = std::iter::once("larder").chain(line.split_whitespace());
    Line::try_parse_from(words).map_err(|error| error.kind())
}

#[test]
fn the_definition_holds_together() {
    Line::command().debug_assert();
}

#[test]
fn global_flags_stand_anywhere() {
    for line in [
        "--server https://a.example --json repo list",
        "repo list --json --server https://a.example",
    ] {
        let line = parse(line).expect("line");
        assert_eq!(
            (line.global.server.as_deref(), line.global.json),
            (Some("https://a.example"), true)
        );
    }
}

#[test]
fn commands() {
    let grant =
        parse("grant create user:alice git/team --role writer --package app* --ref refs/heads/*")
            .expect("line")
            .command;
    let Command::Grant(Grant::Create {
        subject,
        repository,
        role,
        package,
        refs,
        networks,
    }) = grant
    else {
        panic!("{grant:?}")
    };
    assert_eq!(
        (&*subject, repository.as_str(), role),
        ("user:alice", "git/team", Role::Writer)
    );
    assert_eq!(package.as_ref().map(Pattern::as_str), Some("app*"));
    assert_eq!(refs.as_ref().map(Pattern::as_str), Some("refs/heads/*"));
    assert!(networks.is_empty());
    let set = parse("user set alice --superuser false")
        .expect("line")
        .command;
    let Command::User(User::Set {
        superuser,
        disabled,
        password,
        ..
    }) = set
    else {
        panic!("{set:?}")
    };
    assert_eq!((superuser, disabled, password), (Some(false), None, false));
    for good in [
        "login https://a.example",
        "login https://a.example --username alice --password-stdin",
        "logout",
        "whoami",
        "repo create oci/team --description x",
        "repo create npm/up --kind mirror --upstream https://registry.example/ --password-stdin --allow-private",
        "repo create npm/main --kind group --member local --member up",
        "repo set npm/up --offline",
        "repo delete oci/team -y",
        "package list npm/main --match left",
        "image show oci/team app latest",
        "search left pad --kind package --protocol npm --limit 5",
        "user create alice --generate-password --superuser",
        "token create ci --expires 30d --grant oci/team:reader --grant npm/*:writer:@acme/* --quiet",
        "token delete 12 --yes",
        "group add dev alice robot:ci group:ops",
        "robot set ci --owner user:alice",
        "can me read oci/team",
        "grant delete 12",
        "repo list -o wide",
        "-q -y user delete alice",
        "repo list -v --output ndjson",
        "context use larder.example",
        "completion zsh",
        "man share/man1",
        "__complete -- repo --ou",
    ] {
        parse(good).expect(good);
    }
}

#[test]
fn wrong_usage() {
    for bad in [
        "",
        "login",
        "repo",
        "repo show team",
        "package list",
        "search",
        "search x --kind box",
        "search x --limit 0",
        "package show npm/main",
        "repo show oci/Team",
        "repo create ocy/team",
        "repo create oci/team --kind box",
        "repo create npm/up --online",
        "repo create npm/up --member Local",
        "repo set npm/up --online --offline",
        "repo set npm/up --fresh soon",
        "repo set npm/up --block =why",
        "repo set npm/up --block a --block-nothing",
        "user create a/b",
        "user create ..",
        "user create alice --generate-password --password-stdin",
        "user set alice --password --generate-password",
        "token create ci --expires soon",
        "token create ci --grant oci/team",
        "token create ci --grant oci/team:owner",
        "token delete x",
        "grant create user:alice oci/team",
        "grant create user:alice oci/team --role owner",
        "repo list --output xml",
        "repo list --output csv --json",
        "repo list --quiet --verbose",
        "completion tcsh",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}
