//! cosign: signatures in its two layouts, made and verified with keys.

use crate::house::House;
use crate::words::{NO_LOGIN, NO_NAME, NO_TAG, NO_WRITE, WRONG_PASSWORD};
use larder_tests::larder::PASSWORD;
use larder_tests::tools::{command, docker_login, fails, run};
use larder_tests::{Image, layout, tool};
use std::path::PathBuf;
use std::process::Command;

struct Cosign {
    program: PathBuf,
    house: House,
    image: Image,
}

/// What keeps it on this machine: no transparency log, no keys from elsewhere.
const SIGN: [&str; 6] = [
    "sign",
    "--key",
    "own.key",
    "--use-signing-config=false",
    "--tlog-upload=false",
    "--allow-http-registry",
];
const VERIFY: [&str; 5] = [
    "verify",
    "--allow-http-registry",
    "--insecure-ignore-tlog=true",
    "--key",
    "own.pub",
];

impl Cosign {
    /// A server with an image, and two pairs of keys.
    fn new() -> Option<Self> {
        let program = tool("cosign")?;
        let cosign = Self {
            program,
            house: House::open("cosign"),
            image: layout::runnable(b"no program", "amd64"),
        };
        for name in ["team/app", "open/app"] {
            cosign.image.push(&cosign.house.larder.admin(), name, "1");
        }
        for keys in ["own", "other"] {
            run(&mut cosign.command("", &["generate-key-pair", "--output-key-prefix", keys]));
        }
        Some(cosign)
    }

    /// A command of a user; `""`: without a login, `wrong`: with a wrong password.
    fn command(&self, user: &str, words: &[&str]) -> Command {
        let home = self.house.home();
        let settings = home.join(format!("docker-{user}"));
        match user {
            "" => {}
            "wrong" => docker_login(&settings, self.house.larder.host(), "writer", "wrong"),
            user => docker_login(&settings, self.house.larder.host(), user, PASSWORD),
        }
        let mut cosign = command(&self.program, home);
        cosign
            .env("DOCKER_CONFIG", settings)
            .env("COSIGN_PASSWORD", "")
            .args(words);
        cosign
    }

    fn at(&self, name: &str) -> String {
        format!("{}@{}", self.house.at(name), self.image.digest)
    }

    fn sign(&self, user: &str, image: &str, more: &[&str]) -> Command {
        self.command(user, &[&SIGN[..], more, &["-y", image]].concat())
    }

    fn verify(&self, user: &str, image: &str, more: &[&str]) -> Command {
        self.command(user, &[&VERIFY[..], more, &[image]].concat())
    }
}

/// The line with the error; cosign says it twice.
fn error(text: &str) -> &str {
    text.lines()
        .find(|line| line.starts_with("Error:"))
        .unwrap_or(text)
}

#[test]
fn both_layouts_are_signed_and_verified() {
    let Some(cosign) = Cosign::new() else { return };
    let house = &cosign.house;
    for (name, layout) in [
        ("team/app", &[][..]),
        ("open/app", &["--new-bundle-format=false"]),
    ] {
        let image = cosign.at(name);
        let unsigned = fails(&mut cosign.verify("writer", &image, layout));
        let signed = run(&mut cosign.sign("writer", &image, layout));
        let reader = if layout.is_empty() { "reader" } else { "" };
        let verified = run(&mut cosign.verify(reader, &image, layout));
        assert!(
            verified.contains("The signatures were verified against the specified public key"),
            "{verified}"
        );
        let mut other = VERIFY
            .map(|word| if word == "own.pub" { "other.pub" } else { word })
            .to_vec();
        other.extend(layout);
        other.push(&image);
        let refused = fails(&mut cosign.command(reader, &other));
        let kept = house
            .larder
            .admin()
            .get(&format!("/v2/{name}/referrers/{}", cosign.image.digest))
            .expect(200)
            .json();
        let kept = kept["manifests"].as_array().expect("manifests").len();
        let tag = format!("{}.sig", cosign.image.digest.to_string().replace(':', "-"));
        if layout.is_empty() {
            let pushing = signed
                .lines()
                .find(|line| line.starts_with("Pushing"))
                .unwrap_or(&signed);
            house.says("push", pushing, "Pushing signature to");
            house.says(
                "verify of what is not signed",
                error(&unsigned),
                "no signatures found",
            );
            house.says(
                "verify with another key",
                error(&refused),
                "no matching attestations",
            );
            assert_eq!(
                (kept, house.tags(name)),
                (1, vec!["1".to_owned()]),
                "a referrer and no tag"
            );
        } else {
            house.says(
                "verify of a tag with another key",
                error(&refused),
                "no matching signatures",
            );
            assert_eq!(
                (kept, house.tags(name)),
                (0, vec!["1".to_owned(), tag]),
                "a tag and no referrer"
            );
        }
        let said = verified
            .lines()
            .rfind(|line| line.starts_with("Verification for"))
            .expect("verified");
        house.says(
            "verify",
            &said.replace(name, "team/app"),
            "Verification for",
        );
    }
    let image = cosign.at("open/app");
    let cleaned = run(&mut cosign.command(
        "writer",
        &[
            "clean",
            "-f",
            "--type",
            "signature",
            "--allow-http-registry",
            &image,
        ],
    ));
    house.says("delete", &cleaned, "Removed");
    assert_eq!(house.tags("open/app"), ["1"]);
    fails(&mut cosign.verify("", &image, &["--new-bundle-format=false"]));
}

#[test]
fn refusals_are_told() {
    let Some(cosign) = Cosign::new() else { return };
    let house = &cosign.house;
    let image = cosign.at("team/app");
    let sign = |user: &str, image: &str| fails(&mut cosign.sign(user, image, &[]));
    house.says(
        "wrong password",
        error(&sign("wrong", &image)),
        WRONG_PASSWORD,
    );
    house.says("push without a login", error(&sign("", &image)), NO_LOGIN);
    house.says(
        "push without the right",
        error(&sign("reader", &image)),
        NO_WRITE,
    );
    house.says(
        "unknown tag",
        error(&sign("writer", &house.at("team/app:none"))),
        NO_TAG,
    );
    house.says(
        "unknown name",
        error(&sign("writer", &house.at("nowhere/app:1"))),
        NO_NAME,
    );
    house.says(
        "pull without a login",
        error(&fails(&mut cosign.verify("", &image, &[]))),
        NO_LOGIN,
    );
    run(&mut cosign.sign("writer", &image, &[]));
    let hidden = fails(&mut cosign.verify("stranger", &image, &[]));
    house.says(
        "pull without the right",
        error(&hidden),
        "no signatures found",
    );
    let unknown = fails(&mut cosign.verify("stranger", &cosign.at("nowhere/app"), &[]));
    House::same((&hidden, "team/app"), (&unknown, "nowhere/app"));
}
