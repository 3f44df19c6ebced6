use super::*;

#[test]
fn the_server_is_asked_where_it_can_be_reached() {
    for (listen, asked) in [
        ("127.0.0.1:7070", "127.0.0.1:7070"),
        ("0.0.0.0:80", "127.0.0.1:80"),
        ("[::]:80", "[::1]:80"),
        ("192.0.2.7:80", "192.0.2.7:80"),
    ] {
        let listen = listen.parse().expect("address");
        assert_eq!(reachable(listen).to_string(), asked);
    }
}
