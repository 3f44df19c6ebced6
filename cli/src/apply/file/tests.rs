use super::*;

fn read(text: &str) -> Result<Resources, String> {
    Source {
        name: "x.toml",
        text,
    }
    .read()
}

#[test]
fn a_place_is_a_line_and_a_column_of_characters() {
    let source = Source {
        name: "x.toml",
        text: "a\nb\u{e4}\u{e4}c\n",
    };
    for (at, told) in [
        (0, "x.toml:1:1: no"),
        (1, "x.toml:1:2: no"),
        (2, "x.toml:2:1: no"),
        (7, "x.toml:2:4: no"),
        (9, "x.toml:3:1: no"),
        (99, "x.toml:3:1: no"),
    ] {
        assert_eq!(source.at(&(at..at), "no"), told);
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, told) in [
        (
            "[settings]\noffline = 1\n",
            "x.toml:2:11: invalid type: integer `1`, expected a boolean",
        ),
        ("[[groups]]\n", "x.toml:1:1: missing field `name`"),
        ("[setting]\n", "x.toml:1:2: unknown field `setting`"),
        ("grants = [\n", "x.toml:1:11: unclosed array"),
        (
            "[[groups]]\nname = 'a'\nmembers = ['x', 'anonymous:']\n",
            "x.toml:3:11: a member is",
        ),
        (
            "[[robots]]\nname = 'a'\nowner = 'robot:b'\n",
            "x.toml:3:9: the owner of a robot",
        ),
        (
            "[[repositories]]\nname = 'npm'\n",
            "x.toml:2:8: a repository is written as",
        ),
        (
            "[[repositories]]\nname = 'npm/x'\nupstream.url = 'https://a:b@c.example/'\n",
            "x.toml:3:16: an address holds no user and password",
        ),
        (
            "[[grants]]\nsubject = 'anonymous'\nrole = 'owner'\nrepository = '*'\n",
            "x.toml:3:8: unknown variant `owner`, expected one of `reader`",
        ),
        (
            "[[grants]]\nsubject = 'anonymous'\nrole = 'reader'\nrepository = '*'\n\
             networks = ['10.0.0.1/8']\n",
            "x.toml:5:12: 10.0.0.1/8 says more than its prefix; the network is 10.0.0.0/8",
        ),
    ] {
        let error = read(text).expect_err(text);
        assert!(error.starts_with(told), "{error}");
    }
}

#[test]
fn texts_are_read_as_the_api_answers_them() {
    let text = "[[groups]]\nname = 'a'\nmembers = ['alice', 'user:bob', 'robot:ci', 'group:b']\n\
        [[robots]]\nname = 'ci'\nowner = 'alice'\n\
        [[repositories]]\nname = 'npm/x'\nopen = 'auto'\nupstream.url = 'http://x.example/y'\n\
        upstream.absent_statuses = [403]\n\
        [[grants]]\nsubject = 'anonymous'\nrole = 'reader'\nrepository = 'npm/x'\n\
        networks = ['192.0.2.7']\n";
    let file = read(text).expect("file");
    let group = file.groups.expect("groups")[0].clone().into_inner();
    let members: Vec<String> = group
        .members
        .expect("members")
        .into_iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(members, ["user:alice", "user:bob", "robot:ci", "group:b"]);
    let robot = file.robots.expect("robots")[0].clone().into_inner();
    assert_eq!(robot.owner.expect("owner").0, "user:alice");
    let repository = file.repositories.expect("repositories")[0]
        .clone()
        .into_inner();
    assert_eq!(repository.open, Some(Open::of(None)));
    let upstream = repository.upstream.expect("upstream");
    assert_eq!(upstream.url.0, "http://x.example/y/");
    let statuses = upstream.absent_statuses.map(Vec::from);
    assert_eq!(statuses.as_deref(), Some(&[403, 404, 410][..]));
    let grant = file.grants.expect("grants")[0].clone().into_inner();
    assert_eq!(grant.package, Pattern::all());
    assert_eq!(grant.networks[0].0, "192.0.2.7");
    // A kind that is named without anything in it is there all the same: --prune empties it.
    assert_eq!(
        read("grants = []\n").expect("file").grants,
        Some(Vec::new())
    );
    assert_eq!(read("").expect("file"), Resources::default());
}

/// The examples that people copy.
#[test]
fn the_file_of_the_documentation_is_sound() {
    let page = include_str!("../../../../docs/access.md");
    let text = page.split_once("```toml\n").expect("a file").1;
    let text = text.split_once("```").expect("its end").0;
    let file = read(text).expect("sound");
    assert_eq!(crate::apply::checks::check(&file), []);
    assert_eq!(file.grants.expect("grants").len(), 8);
}
