use super::*;

fn part(file: Option<&str>, lines: &[&str], note: Option<&str>) -> ConnectPart {
    ConnectPart {
        file: file.map(str::to_owned),
        lines: lines.iter().map(ToString::to_string).collect(),
        note: note.map(str::to_owned),
    }
}

#[test]
fn a_token_and_an_image_stand_in_the_lines() {
    let parts = [
        part(
            Some("~/.npmrc"),
            &["token=${TOKEN}"],
            Some("$TOKEN is read"),
        ),
        part(
            None,
            &["login $TOKEN", "pull h/r/IMAGE:TAG"],
            Some("a; replace $TOKEN"),
        ),
    ];
    let sample = ("app/web".to_owned(), "1".to_owned());
    let made = steps(&parts, Some("lrd_x"), Some(&sample));
    let shown: Vec<_> = made
        .iter()
        .map(|it| (it.text.as_str(), it.note.as_deref()))
        .collect();
    assert_eq!(
        shown,
        [
            ("token=lrd_x", None),
            ("login lrd_x\npull h/r/app/web:1", Some("a"))
        ]
    );
    let made = steps(&parts, None, None);
    assert_eq!(made[1].text, "login $TOKEN\npull h/r/IMAGE:TAG");
    assert_eq!(made[1].note.as_deref(), Some("a; replace $TOKEN"));
}

#[test]
fn the_password_of_basic_is_made_here() {
    let parts = [
        part(
            Some("/etc/x/hosts.toml"),
            &["header = \"Basic $BASIC\""],
            None,
        ),
        part(
            None,
            &["printf token:%s $TOKEN | base64 -w0"],
            Some("put it in"),
        ),
    ];
    let made = steps(&parts, Some("s"), None);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].text, "header = \"Basic dG9rZW46cw==\"");
    assert_eq!(
        script(&parts, None),
        "BASIC=$(printf 'token:%s' \"$TOKEN\" | base64 -w0)\nmkdir -p /etc/x\n\
         cat >> /etc/x/hosts.toml <<END\nheader = \"Basic $BASIC\"\nEND"
    );
}
