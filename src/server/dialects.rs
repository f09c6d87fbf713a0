//! What engine and senders are handed of the dialects: which spelling an event gets, a delivery, a try and a question,
//! by whose endpoint it goes to. Neither of them knows a cloud, so this is where one more is added.

pub use crate::{alibaba::rtc_callback::render as render_channel, tencent::hook::call as hook};
use crate::{
    alibaba::{live_callback, moderation, rtc_callback},
    clock::Clock,
    delivery::{self, Patience, Target, ask},
    domain::{
        app::{App, Audit, WebhookToken},
        endpoint::EndpointId,
        event::{Event, Rendered},
        moderation::{About, Verdict},
        outbox::{Freezing, Frozen},
    },
    engine::{self, Handle},
    ids::Ids,
    settings::Settings,
    tencent::{hook, webhook},
};
use std::{
    net::{IpAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

/// The event as each cloud tells of it. Subscriptions are told of what happens in channels.
pub fn render(event: &Event, app: &App) -> Vec<Rendered> {
    let mut told = webhook::render(event, app);
    if let Event::Session(event) = event {
        told.extend(live_callback::render(event, app));
    }
    told
}

/// What the webhooks of this endpoint are signed with.
fn token<'a>(endpoint: &EndpointId, app: &'a App) -> Option<&'a WebhookToken> {
    match endpoint {
        EndpointId::LiveRooms(_) => app.live_token.as_ref(),
        EndpointId::Chat(_) => app.chat_token.as_ref(),
        EndpointId::LiveEvents(_) | EndpointId::Subscription(..) => None,
    }
}

/// Where callbacks come from, by the routes as they are now: one address of each kind, if there is a route. Nothing is sent:
/// a socket that has a peer has an address of its own.
pub fn addresses() -> Vec<IpAddr> {
    // Of the blocks for documents: what is behind the default route.
    let routes = [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")];
    let own = |(from, to): (&str, &str)| {
        let socket = UdpSocket::bind(from).ok()?;
        socket.connect(to).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    };
    routes.into_iter().filter_map(own).collect()
}

/// What a delivery says, put together of its events.
pub fn freezer(settings: &Settings) -> engine::Freeze {
    let strict = settings.rtc_strict_ids;
    let in_body = |body| Frozen { query: String::new(), body };
    Box::new(move |freezing: &Freezing| match freezing.endpoint {
        EndpointId::LiveEvents(_) => in_body(live_callback::freeze(freezing)),
        EndpointId::Subscription(..) => in_body(rtc_callback::freeze(freezing, strict)),
        EndpointId::LiveRooms(_) | EndpointId::Chat(_) => webhook::freeze(freezing),
    })
}

/// What a business's server is asked, how it is signed, and where the verdict goes.
pub fn asking(settings: &Settings, handle: &Handle, ids: &Ids, clock: &Clock) -> ask::Config {
    let (verdicts, directory, ids, now) = (handle.clone(), handle.clone(), ids.clone(), clock.clone());
    ask::Config {
        verdict: Arc::new(move |question, verdict| verdicts.verdict(question, verdict)),
        target: Arc::new(move |question| {
            let directory = directory.directory();
            let app = directory.apps.get(&question.app)?;
            let now = now.now();
            match &question.about {
                About::Text(text) => {
                    let Audit::Custom(url) = &app.audit else { return None };
                    Some(ask::Target {
                        url: url.clone(),
                        headers: moderation::headers(url, app, now).into_iter().map(|(name, value)| (name.into(), value)).collect(),
                        body: moderation::body(text),
                        any_port: false,
                        read: Box::new(moderation::read),
                    })
                }
                About::Hook(call) => {
                    let (app, url) = directory.target(&call.endpoint)?;
                    let kind = call.kind;
                    // A question is no delivery, and has a name all the same.
                    let query = format!("{}&RequestID={}", call.query, ids.hex32());
                    Some(ask::Target {
                        url: webhook::url(url, &query, token(&call.endpoint, app), now),
                        headers: vec![("Content-Type".into(), "application/json".into())],
                        body: call.body.clone(),
                        any_port: true,
                        read: Box::new(move |status, answer| Verdict::Hook(hook::read(kind, status, answer))),
                    })
                }
            }
        }),
        allow: settings.allow_callback.clone(),
        clock: clock.clone(),
    }
}

/// How a try finds its URL and signature, and where its outcome goes.
pub fn sending(settings: &Settings, handle: &Handle, clock: &Clock) -> delivery::Config {
    let (outcomes, directory, now) = (handle.clone(), handle.clone(), clock.clone());
    delivery::Config {
        outcome: Arc::new(move |outcome| outcomes.outcome(outcome)),
        target: Arc::new(move |job| {
            let directory = directory.directory();
            let (app, url) = directory.target(&job.endpoint)?;
            let (now, patience) = (now.now(), Patience::default());
            let in_headers = |headers: Vec<(&'static str, String)>, success| {
                let headers = headers.into_iter().map(|(name, value)| (name.into(), value)).collect();
                Target { url: url.into(), called: url.into(), headers, patience, any_port: false, success }
            };
            let webhook = || {
                let whole = Duration::from_millis(webhook::PATIENCE);
                Target {
                    url: url.into(),
                    called: webhook::url(url, &job.query, token(&job.endpoint, app), now),
                    headers: vec![("Content-Type".into(), "application/json".into())],
                    patience: Patience { connect: patience.connect.min(whole), whole },
                    any_port: true,
                    success: |status, _| webhook::is_success(status),
                }
            };
            Some(match job.endpoint {
                EndpointId::LiveEvents(_) => in_headers(live_callback::headers(url, app, now), |status, _| live_callback::is_success(status)),
                EndpointId::Subscription(..) => in_headers(rtc_callback::headers(url, app, now), |status, _| rtc_callback::is_success(status)),
                EndpointId::LiveRooms(_) | EndpointId::Chat(_) => webhook(),
            })
        }),
        allow: settings.allow_callback.clone(),
        clock: clock.clone(),
        stop: delivery::STOP,
    }
}
