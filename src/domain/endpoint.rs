//! Where callbacks go: an endpoint is a place in an application's settings that holds a URL. The
//! URL and the key are looked up anew for each try, so an endpoint has a name of its own.

use super::{AppId, SubscriptionId, app::App, subscription::Subscription};
use std::{fmt, sync::Arc};

/// The places a callback URL can stand in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EndpointId {
    /// An application's event callback: logon, logoff, join, leave, reconnect.
    LiveEvents(AppId),
    /// The URL of a subscription of channel events.
    Subscription(AppId, SubscriptionId),
    /// An application's webhook of live rooms: rooms, who is in them, their owners and administrators.
    LiveRooms(AppId),
    /// An application's webhook of its chat: groups and their members, messages, sessions.
    Chat(AppId),
}

/// How much one POST to an endpoint tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// At most so many events.
    pub events: usize,
    /// All of one subject: the body names it once.
    pub one_subject: bool,
}

impl EndpointId {
    pub fn app(&self) -> &AppId {
        match self {
            EndpointId::LiveEvents(app) | EndpointId::Subscription(app, _) | EndpointId::LiveRooms(app) | EndpointId::Chat(app) => app,
        }
    }

    /// Where it is now, if anywhere. `app` is the endpoint's application, with its subscriptions.
    pub fn url<'a>(&self, app: &'a App, subscriptions: &'a [Arc<Subscription>]) -> Option<&'a str> {
        let url = match self {
            EndpointId::LiveEvents(_) => &app.event_callback_url,
            EndpointId::Subscription(_, id) => &subscriptions.iter().find(|s| s.id == *id)?.url,
            EndpointId::LiveRooms(_) => &app.live_webhook.as_ref()?.url,
            EndpointId::Chat(_) => &app.chat_webhook.as_ref()?.url,
        };
        (!url.is_empty()).then_some(url)
    }

    /// What a delivery to it is made of.
    pub fn takes(&self) -> Capacity {
        match self {
            EndpointId::LiveEvents(_) => Capacity { events: 100, one_subject: false },
            EndpointId::Subscription(..) => Capacity { events: 100, one_subject: true },
            // Their bodies have no list (`tencent.md` §3.2, §6.3).
            EndpointId::LiveRooms(_) | EndpointId::Chat(_) => Capacity { events: 1, one_subject: true },
        }
    }

    /// The inverse of `Display`, for rows of the store.
    pub fn parse(text: &str) -> Option<EndpointId> {
        let (kind, app) = text.split_once(':')?;
        match kind {
            "live" => Some(EndpointId::LiveEvents(AppId::trusted(app))),
            "live_rooms" => Some(EndpointId::LiveRooms(AppId::trusted(app))),
            "chat" => Some(EndpointId::Chat(AppId::trusted(app))),
            // A subscription's id has no colon.
            "rtc" => app.rsplit_once(':').map(|(app, id)| EndpointId::Subscription(AppId::trusted(app), SubscriptionId::trusted(id))),
            _ => None,
        }
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            EndpointId::LiveEvents(app) => write!(f, "live:{app}"),
            EndpointId::Subscription(app, id) => write!(f, "rtc:{app}:{id}"),
            EndpointId::LiveRooms(app) => write!(f, "live_rooms:{app}"),
            EndpointId::Chat(app) => write!(f, "chat:{app}"),
        }
    }
}

/// The parts of a callback URL that the rules ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackUrl {
    pub https: bool,
    /// Lower case; an IPv6 address without its brackets.
    pub host: String,
    pub port: Option<u16>,
}

/// Longest callback URL that may be configured, in bytes.
pub const MAX_URL: usize = 2048;

impl CallbackUrl {
    /// `http://` or `https://`, a host, perhaps a port; no user part, no spaces, no control characters.
    pub fn parse(url: &str) -> Option<CallbackUrl> {
        if url.len() > MAX_URL { None } else { Self::parse_called(url) }
    }

    /// The same of a URL that is called: with what was added to its query it may be longer.
    pub fn parse_called(url: &str) -> Option<CallbackUrl> {
        // The characters of RFC 3986 alone: what else a URL may show is percent-encoded, or cannot be called.
        if !url.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b)) {
            return None;
        }
        let (scheme, rest) = url.split_once("://")?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        if authority.contains(['@', '\\']) {
            return None;
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(v6) => {
                let (host, after) = v6.split_once(']')?;
                host.parse::<std::net::Ipv6Addr>().ok()?;
                (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let port = match port {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok().filter(|p| *p != 0)?),
            Some(_) => return None,
            None => None,
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        // The root's dot is not part of the name that is looked up and signed.
        let host = host.strip_suffix('.').unwrap_or(host);
        if host.is_empty() || host.ends_with('.') || host.len() > 253 || !host.chars().all(plain) {
            return None;
        }
        Some(CallbackUrl { https, host: host.to_ascii_lowercase(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let app = AppId::trusted("a:b");
        let subscription = EndpointId::Subscription(app.clone(), SubscriptionId::trusted("0f"));
        for (endpoint, text) in [
            (EndpointId::LiveEvents(app.clone()), "live:a:b"),
            (subscription, "rtc:a:b:0f"),
            (EndpointId::LiveRooms(app.clone()), "live_rooms:a:b"),
            (EndpointId::Chat(app), "chat:a:b"),
        ] {
            assert_eq!(endpoint.to_string(), text);
            assert_eq!(EndpointId::parse(text), Some(endpoint));
        }
        assert_eq!(EndpointId::parse("rtc:a"), None);
    }

    #[test]
    fn callback_urls() {
        for (url, expected) in [
            ("http://cb.example.com/r?a=1", Some((false, "cb.example.com", None))),
            ("HTTPS://CB.example.com:8443", Some((true, "cb.example.com", Some(8443)))),
            ("http://[::1]:80/x", Some((false, "::1", Some(80)))),
            ("http://127.0.0.1?x", Some((false, "127.0.0.1", None))),
            ("ftp://a/", None),
            ("http://", None),
            ("http:///x", None),
            ("http://a:b/", None),
            ("http://a:0/", None),
            ("http://a:70000/", None),
            ("http://u:p@a/", None),
            ("http://good.example\\@evil/", None),
            ("http://a b/", None),
            ("http://a\n/", None),
            ("cb.example.com", None),
            ("http://cb.example.com./x", Some((false, "cb.example.com", None))),
            ("http://a/<x>", None),
            ("http://a/ü", None),
            ("http://a/?q=\"", None),
            ("http://a/%C3%BC?q=%22#f", Some((false, "a", None))),
        ] {
            let got = CallbackUrl::parse(url);
            assert_eq!(got.as_ref().map(|u| (u.https, u.host.as_str(), u.port)), expected, "{url}");
        }
    }
}
