//! helm: charts.

use crate::house::House;
use crate::words::{NO_LOGIN, NO_WRITE, WRONG_PASSWORD};
use larder_tests::larder::PASSWORD;
use larder_tests::tool;
use larder_tests::tools::{command, fails, run};
use std::path::Path;
use std::process::Command;

const CHART: &str = "apiVersion: v2\nname: chart\nversion: 0.1.0\n";
const TEMPLATE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-the-chart\n";

fn write_chart(home: &Path) {
    std::fs::create_dir_all(home.join("chart/templates")).expect("chart");
    std::fs::write(home.join("chart/Chart.yaml"), CHART).expect("chart");
    std::fs::write(home.join("chart/templates/map.yaml"), TEMPLATE).expect("chart");
}

/// A command of a user; `""`: one that asks nobody, `wrong`: with a wrong password.
fn helm(program: &Path, home: &Path, user: &str, words: &[&str]) -> Command {
    let mut helm = command(program, home);
    helm.env("HELM_REGISTRY_CONFIG", home.join("logins.json"))
        .args(words);
    match user {
        "" => &mut helm,
        "wrong" => helm.args([
            "--plain-http",
            "--username",
            "writer",
            "--password",
            "wrong",
        ]),
        "anonymous" => helm.arg("--plain-http"),
        user => helm.args(["--plain-http", "--username", user, "--password", PASSWORD]),
    };
    helm
}

#[test]
fn helm_is_served_and_refused() {
    let Some(program) = tool("helm") else { return };
    let house = House::open("helm");
    let home = house.home();
    write_chart(home);
    let helm = |user: &str, words: &[&str]| helm(&program, home, user, words);
    run(&mut helm("", &["package", "chart"]));
    let at = |name: &str| format!("oci://{}", house.at(name));
    let push = |user: &str, place: &str| helm(user, &["push", "chart-0.1.0.tgz", &at(place)]);
    let pull = |user: &str, chart: &str, version: &str| {
        helm(
            user,
            &["pull", &at(chart), "--version", version, "-d", "out"],
        )
    };

    house.says(
        "wrong password",
        &fails(&mut helm(
            "wrong",
            &["registry", "login", house.larder.host()],
        )),
        WRONG_PASSWORD,
    );
    house.says(
        "push with a wrong password",
        &fails(&mut push("wrong", "team")),
        WRONG_PASSWORD,
    );
    let pushed = run(&mut push("writer", "team"));
    house.says_all("push", &pushed, &house.digest("team/chart", "0.1.0"));
    std::fs::create_dir(home.join("out")).expect("out");
    let pulled = run(&mut pull("reader", "team/chart", "0.1.0"));
    house.says_all("pull", &pulled, &house.digest("team/chart", "0.1.0"));
    let (sent, came) = (
        home.join("chart-0.1.0.tgz"),
        home.join("out/chart-0.1.0.tgz"),
    );
    assert_eq!(
        std::fs::read(sent).expect("chart"),
        std::fs::read(came).expect("chart")
    );
    let shown = run(&mut helm(
        "reader",
        &["show", "chart", &at("team/chart"), "--version", "^0.1"],
    ));
    assert!(
        shown.contains("name: chart"),
        "a range of versions needs the list of tags: {shown}"
    );
    let filled = run(&mut helm(
        "reader",
        &["template", &at("team/chart"), "--version", "0.1.0"],
    ));
    assert!(filled.contains("name: from-the-chart"), "{filled}");
    run(&mut push("writer", "open"));
    run(&mut pull("anonymous", "open/chart", "0.1.0"));

    house.says(
        "push without a login",
        &fails(&mut push("anonymous", "team")),
        "401: Unauthorized",
    );
    house.says(
        "push without the right",
        &fails(&mut push("reader", "team")),
        NO_WRITE,
    );
    house.says(
        "pull without a login",
        &fails(&mut pull("anonymous", "team/chart", "0.1.0")),
        NO_LOGIN,
    );
    house.says(
        "unknown tag",
        &fails(&mut pull("writer", "team/chart", "9.9.9")),
        "not found",
    );
    let unknown = fails(&mut pull("writer", "nowhere/chart", "0.1.0"));
    house.says("unknown name", &unknown, "not found");
    let hidden = fails(&mut pull("stranger", "team/chart", "0.1.0"));
    house.says("pull without the right", &hidden, "not found");
    House::same((&hidden, "team/chart"), (&unknown, "nowhere/chart"));
    let login = fails(&mut helm("stranger", &["show", "chart", &at("team/chart")]));
    house.says(
        "newest version without the right",
        &login,
        "no such name here, or you may not see it",
    );
}
