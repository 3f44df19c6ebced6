use super::*;
use larder_model::{Algorithm, Digest};

const NEW: &[u8] = b"the newest";
const OLD: &[u8] = b"the one before";

fn read(text: &str) -> Result<MirrorList, Problem> {
    RepositoryMirrors.read(text.as_bytes())
}

fn hash(body: &[u8]) -> String {
    Digest::of(Algorithm::Sha256, body).hex()
}

fn metalink() -> String {
    let (new, old) = (hash(NEW), hash(OLD));
    let (new_size, old_size) = (NEW.len(), OLD.len());
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0="http://registry.example/mm0">
 <files>
  <file name="other.xml">
   <size>1</size>
   <resources><url preference="100">https://other.example/repodata/repomd.xml</url></resources>
  </file>
  <file name="repomd.xml">
   <mm0:timestamp>1700000000</mm0:timestamp>
   <size>{new_size}</size>
   <verification>
    <hash type="md5">00000000000000000000000000000000</hash>
    <hash type="sha1">0000000000000000000000000000000000000000</hash>
    <hash type="sha256">{new}</hash>
   </verification>
   <mm0:alternates>
    <mm0:alternate>
     <size>{old_size}</size>
     <verification><hash type="sha256"> {old} </hash></verification>
    </mm0:alternate>
    <mm0:alternate><verification><hash type="md5">00</hash></verification></mm0:alternate>
   </mm0:alternates>
   <resources maxconnections="1">
    <url protocol="rsync" preference="100">rsync://first.example/repodata/repomd.xml</url>
    <url protocol="https" preference="90">https://third.example/x/repodata/repomd.xml</url>
    <url protocol="http" preference="95">http://second.example/repodata/repomd.xml</url>
    <url protocol="http" preference="95">http://other.example/elsewhere.xml</url>
   </resources>
  </file>
 </files>
</metalink>"#
    )
}

#[test]
fn a_line_is_an_address() {
    let list = "# mirrors of 9\nhttps://a.example/9/x86_64\r\n\n  http://b.example/9/x86_64/os/ \n\
                ftp://c.example/9/\nrsync://d.example/\nhttps://e.example/$releasever/\nnonsense\n";
    let list = read(list).expect("list");
    assert_eq!(
        list.addresses,
        [
            "https://a.example/9/x86_64/",
            "http://b.example/9/x86_64/os/"
        ]
    );
    assert_eq!(list.promised, []);
}

#[test]
fn a_metalink_tells_addresses_and_what_the_file_is() {
    let list = read(&metalink()).expect("metalink");
    assert_eq!(
        list.addresses,
        ["http://second.example/", "https://third.example/x/"],
        "by preference, and what can be asked"
    );
    let [promised] = &list.promised[..] else {
        panic!("{:?}", list.promised);
    };
    assert_eq!(&*promised.path, "repodata/repomd.xml");
    assert_eq!(promised.bodies.len(), 2, "{promised:?}");
    assert_eq!((promised.rank(NEW), promised.rank(OLD)), (Some(0), Some(1)));
    let digest = Digest::of(Algorithm::Sha256, OLD);
    assert_eq!(promised.rank_of(digest), Some(1));
    assert_eq!(
        promised.rank(b"another"),
        None,
        "a weak hash alone does not count"
    );
}

#[test]
fn a_size_counts_too() {
    let wrong = metalink().replace(&format!("<size>{}</size>", NEW.len()), "<size>1</size>");
    let list = read(&wrong).expect("metalink");
    let promised = &list.promised[0];
    assert_eq!((promised.rank(NEW), promised.rank(OLD)), (None, Some(1)));
}

#[test]
fn what_has_no_address_is_no_list() {
    for text in [
        "",
        "# nothing\n",
        "<!DOCTYPE html><html><body>log in</body></html>",
        "No repository found for el9",
        "<metalink><files><file name=\"repomd.xml\"></file></files></metalink>",
        "<metalink><files>",
        "<!DOCTYPE metalink [<!ENTITY a \"b\">]><metalink/>",
    ] {
        let problem = read(text).expect_err(text);
        assert_eq!(problem.kind, larder_model::Kind::Upstream, "{text}");
    }
    let states = "<alternate></alternate>".repeat(MAX_STATES);
    let many = format!("<metalink><file name=\"repomd.xml\">{states}</file></metalink>");
    assert!(read(&many).is_err());
    let lines: Vec<String> = (0..1000)
        .map(|number| format!("http://m{number}.example/"))
        .collect();
    let lines = lines.join("\n");
    assert_eq!(read(&lines).expect("list").addresses.len(), MAX_ADDRESSES);
}
