use super::*;
use crate::found::{Pem, Secret};
use crate::machine::tests::found;

fn shown(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Vec<String> {
    let line = |found: &DiscoveredUpstream| {
        let secret = found.password.as_ref().map_or("", Secret::expose);
        let name = found.username.as_deref().unwrap_or_default();
        let only = found.only.as_deref().unwrap_or("*");
        format!("{only} {} {} {name}:{secret}", found.url, found.place)
            .trim_end_matches(" :")
            .to_owned()
    };
    found(files, variables, "/code", look)
        .iter()
        .map(line)
        .collect()
}

#[test]
fn npmrc_with_its_credentials() {
    let user = "; mine\nregistry = \"https://registry.example/npm\"\n@acme:registry=https://acme.example/x/\n\
                //registry.example/npm/:_authToken=${TOKEN}\n//acme.example/x/:username=me\n\
                //acme.example/x/:_password=aHVudGVyMg==\n//registry.example/npmother/:_authToken=no\n";
    let found = shown(&[("/home/me/.npmrc", user)], &[("TOKEN", "abc")]);
    let acme = "@acme https://acme.example/x/ /home/me/.npmrc me:hunter2";
    assert_eq!(
        found,
        ["* https://registry.example/npm/ /home/me/.npmrc :abc", acme]
    );
    let files = [(
        "/code/.npmrc",
        "registry=https://project.example/\n//project.example/:_auth=bWU6cHc=\n",
    )];
    assert_eq!(
        shown(&files, &[]),
        ["* https://project.example/ /code/.npmrc me:pw"]
    );
    let variable = [("NPM_CONFIG_REGISTRY", "https://env.example")];
    assert_eq!(
        shown(&files, &variable)[0],
        "* https://env.example/ $NPM_CONFIG_REGISTRY"
    );
}

#[test]
fn the_others_have_files_too() {
    let bun = "[install]\nregistry = { url = 'https://bun.example/', token = '$T' }\n";
    assert_eq!(
        shown(&[("/code/bunfig.toml", bun)], &[]),
        ["* https://bun.example/ /code/bunfig.toml :$T"]
    );
    let bun = "[install]\nregistry = 'https://me:pw@bun.example/'\n";
    assert_eq!(
        shown(&[("/home/me/.bunfig.toml", bun)], &[]),
        ["* https://bun.example/ /home/me/.bunfig.toml me:pw"]
    );
    let yarn = "nodeLinker: node-modules\nnpmRegistryServer: \"${R-https://yarn.example}/\"\n";
    assert_eq!(
        shown(&[("/code/.yarnrc.yml", yarn)], &[]),
        ["* https://yarn.example/ /code/.yarnrc.yml"]
    );
    let old = "registry \"https://old.example/\"\n";
    assert_eq!(
        shown(&[("/home/me/.yarnrc", old)], &[]),
        ["* https://old.example/ /home/me/.yarnrc"]
    );
}

#[test]
fn one_that_is_installed_is_asked() {
    let tells = "#!/bin/sh\necho notice\necho https://default.example/\n";
    let scope = ("/home/me/.npmrc", "@acme:registry=https://acme.example/\n");
    let acme = "@acme https://acme.example/ /home/me/.npmrc";
    let pnpm = "* https://default.example/ `pnpm config get registry`";
    assert_eq!(shown(&[("/bin/pnpm", tells), scope], &[]), [pnpm, acme]);
    assert_eq!(
        shown(&[("/bin/npm", "#!/bin/sh\necho undefined\n")], &[]),
        Vec::<String>::new()
    );
}

#[test]
fn variables_in_texts() {
    let expand = |text| expanded(text, |name| (name == "A").then_some("x"));
    assert_eq!(expand("${A}-${B}-${B:-y}${A"), "x-${B}-y${A");
    assert_eq!(expand("plain"), "plain");
}

#[test]
fn certificates_of_one_address_and_of_all() {
    let certificates = |text: &str| {
        let found = found(
            &[("/home/me/.npmrc", text)],
            &[("PKI", "/pki")],
            "/code",
            look,
        );
        let of = found[0].certificates.clone();
        let (certificate, key) = of.client.unzip();
        [certificate, key, of.authorities]
            .map(|pem| pem.map(|pem| format!("{pem:?}")).unwrap_or_default())
    };
    let file = |path: &str| format!("{:?}", Pem::File(path.into()));
    let text = "registry=https://a.example/npm/\n//a.example/npm/:certfile=${PKI}/us.pem\n\
                //a.example/npm/:keyfile=/pki/key.pem\n//b.example/:certfile=/pki/other.pem\n\
                cafile=/pki/them.pem\ncert=\"unused\"\nkey=unused\n";
    let expected = ["/pki/us.pem", "/pki/key.pem", "/pki/them.pem"].map(file);
    assert_eq!(certificates(text), expected);
    // In the file itself, which is never told.
    let text =
        "registry=https://a.example/\ncert=\"-----BEGIN\\nAAAA\"\nkey=\"BBBB\"\nca=\"CCCC\"\n";
    assert_eq!(certificates(text), ["Text(***)"; 3]);
    let found = found(&[("/home/me/.npmrc", text)], &[], "/code", look);
    let (certificate, _) = found[0].certificates.client.clone().expect("both");
    assert_eq!(certificate.to_string(), "(in the settings)");
    let Pem::Text(text) = certificate else {
        panic!("a text");
    };
    assert_eq!(text.expose(), "-----BEGIN\nAAAA");
    assert_eq!(
        certificates("registry=https://a.example/\ncert=\"x\"\n"),
        ["", "", ""]
    );
}
