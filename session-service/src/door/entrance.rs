//! The way through the door, from the outermost to the innermost.
//!
//! Whatever may refuse a request lies inside of what makes the refusal readable: CORS
//! and gRPC-Web for browsers, the canonical form of errors for all.

use std::{mem, pin::pin};

use axum::{body::Body, extract::Request, response::Response};
use futures::FutureExt as _;
use tonic::Status;
use tower_http::cors::CorsLayer;
use tracing::{Span, field};

use super::{
    answer::Answer,
    browsers,
    calls::{Call, Followed},
    content::{self, Protocol},
    deadline, headers, panics,
    rate::Rate,
    request_id::{self, RequestId},
    serve::Serving,
    strangers::Strangers,
    until::Until,
};
use crate::{Error, auth::Verifier, services::Services};

#[derive(Debug)]
pub(crate) struct Entrance {
    pub(super) cors: CorsLayer,
    pub(super) verifier: Verifier,
    pub(super) rate: Rate,
    pub(super) serving: Serving,
    pub(super) strangers: Strangers,
    pub(super) services: Services,
    pub(super) max_header_bytes: u32,
}

impl Entrance {
    /// Answers whatever comes.
    pub(crate) async fn answer(&self, mut request: Request) -> Response {
        if browsers::is_of_page(&request) {
            let answer = |mut request| async move { self.name(&mut request).await };
            return Box::pin(browsers::share(&self.cors, request, answer)).await;
        }
        self.name(&mut request).await
    }

    /// Gives a call its id, which every answer has.
    async fn name(&self, request: &mut Request) -> Response {
        let id = RequestId::of(request.headers()).unwrap_or_else(RequestId::new);
        let mut response = self.translate(request, &id).await;
        response.headers_mut().insert(request_id::HEADER, id.into());
        response
    }

    async fn translate(&self, request: &mut Request, id: &RequestId) -> Response {
        match content::protocol(request) {
            Ok(Protocol::Grpc) => self.follow(request, id).await.map(Body::new),
            Ok(Protocol::GrpcWeb) => {
                let answer = |mut request| async move { self.follow(&mut request, id).await };
                Box::pin(browsers::translate(mem::take(request), answer)).await
            }
            Err(refusal) => refusal.into(),
        }
    }

    /// Follows a call to the end of its answer.
    async fn follow(&self, request: &mut Request, id: &RequestId) -> Response<Followed> {
        let call = Call::begin(request, id);
        let work = pin!(panics::catch(self.keep_in_time(request)));
        call.follow(work.map(|it| it.unwrap_or_else(|error| Status::from(error).into_http()))).await
    }

    /// Ends a call at its caller's deadline, or when its caller leaves. What it was doing is
    /// dropped, and so are the statements that it was waiting for.
    async fn keep_in_time(&self, request: &mut Request) -> Result<Response<Answer>, Error> {
        headers::check(request, self.max_header_bytes)?;
        match deadline::timeout(request.headers())? {
            Some(timeout) => deadline::keep(timeout, pin!(self.serve(request))).await,
            None => self.serve(request).await,
        }
    }

    async fn serve(&self, request: &mut Request) -> Result<Response<Answer>, Error> {
        if Services::have(request.uri().path()) {
            self.serve_known(request).await
        } else {
            self.strangers.serve(mem::take(request)).await
        }
    }

    /// Lets only those through who say who they are, for as long as they may: a call ends with
    /// its token.
    async fn serve_known(&self, request: &mut Request) -> Result<Response<Answer>, Error> {
        let verified = self.verifier.verify(request.headers()).await?;
        let caller = verified.caller;
        Span::current().record("user.id", field::display(caller.user_id));
        request.extensions_mut().insert(caller);
        self.rate.check(caller.user_id)?;
        let until = Until::new(verified.expires_at, || Error::Unauthenticated);
        let work = |request| self.services.call(request);
        until.keep(pin!(self.serving.serve(mem::take(request), caller.user_id, work))).await
    }
}
