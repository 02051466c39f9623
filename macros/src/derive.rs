//! `#[derive(MetricQuerier)]`: fields become matchers.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Fields, LitStr, Path, Result, Token};

/// The `#[querier(...)]` attributes of the struct.
struct Container {
    krate: Path,
    name: Option<LitStr>,
    group_by: Vec<LitStr>,
}

/// The role of a field.
enum Role {
    Label(LitStr),
    Name,
    GroupBy,
    Skip,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(input.ident.span(), "`MetricQuerier` can be derived for structs only"));
    };
    let fields = match &data.fields {
        Fields::Named(fields) => fields.named.iter().collect(),
        Fields::Unit => Vec::new(),
        Fields::Unnamed(fields) => {
            return Err(Error::new(fields.span(), "fields need names, which become label names"));
        }
    };
    let container = container(input)?;
    let krate = &container.krate;
    let (mut labels, mut groups, mut name) = (Vec::new(), Vec::new(), None);
    for field in fields {
        let ident = &field.ident;
        // Errors point at the type. Local names resolve as in the rest of the code, even if the type comes from a
        // `macro_rules!` macro.
        let at = field.ty.span();
        let [this, list] = ["self", "labels"].map(|name| Ident::new(name, at.resolved_at(Span::call_site())));
        match role(field)? {
            Role::Label(label) => {
                labels.push(quote_spanned! {at=>
                    #list.extend(#krate::__private1::MatcherField::matcher(&#this.#ident, #label));
                });
            }
            Role::GroupBy => groups.push(quote_spanned! {at=>
                for label in &#this.#ident {
                    #list.push(#krate::__private1::Cow::Borrowed(::core::convert::AsRef::<str>::as_ref(label)));
                }
            }),
            Role::Name if container.name.is_some() || name.is_some() => {
                return Err(Error::new(ident.span(), "duplicate metric name"));
            }
            Role::Name => {
                name = Some(quote_spanned! {at=> ::core::convert::AsRef::<str>::as_ref(&#this.#ident) });
            }
            Role::Skip => {}
        }
    }
    let name = name.or_else(|| container.name.as_ref().map(ToTokens::to_token_stream)).unwrap_or_else(|| quote!(""));
    let fixed_groups = &container.group_by;
    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #krate::MetricQuerier for #ident #type_generics #where_clause {
            fn name(&self) -> &str {
                #name
            }

            fn labels(&self) -> #krate::__private1::Cow<'_, [#krate::Matcher<'_>]> {
                #[allow(unused_mut)]
                let mut labels = #krate::__private1::Vec::new();
                #(#labels)*
                #krate::__private1::Cow::Owned(labels)
            }

            fn group_by_labels(&self) -> #krate::__private1::Cow<'_, [#krate::__private1::Cow<'_, str>]> {
                #[allow(unused_mut)]
                let mut labels = #krate::__private1::Vec::new();
                #(labels.push(#krate::__private1::Cow::Borrowed(#fixed_groups));)*
                #(#groups)*
                #krate::__private1::Cow::Owned(labels)
            }
        }
    })
}

fn container(input: &DeriveInput) -> Result<Container> {
    let mut container = Container { krate: syn::parse_quote!(::promql_presets), name: None, group_by: Vec::new() };
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("querier")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                container.name = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("group_by") {
                let content;
                syn::parenthesized!(content in meta.input);
                container.group_by.extend(Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?);
            } else if meta.path.is_ident("crate") {
                container.krate = meta.value()?.call(Path::parse_mod_style)?;
            } else {
                return Err(meta.error("expected `name = \"...\"`, `group_by(\"...\")` or `crate = path`"));
            }
            Ok(())
        })?;
    }
    Ok(container)
}

fn role(field: &Field) -> Result<Role> {
    let Some(ident) = &field.ident else { return Ok(Role::Skip) };
    let mut role = None;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("querier")) {
        attribute.parse_nested_meta(|meta| {
            if role.is_some() {
                return Err(meta.error("a field has only one role"));
            }
            role = Some(if meta.path.is_ident("label") {
                let label: LitStr = meta.value()?.parse()?;
                if matches!(label.value().as_str(), "" | "__name__") {
                    return Err(Error::new(label.span(), "invalid label name: must not be empty or `__name__`"));
                }
                Role::Label(label)
            } else if meta.path.is_ident("name") {
                Role::Name
            } else if meta.path.is_ident("group_by") {
                Role::GroupBy
            } else if meta.path.is_ident("skip") {
                Role::Skip
            } else {
                return Err(meta.error("expected `label = \"...\"`, `name`, `group_by` or `skip`"));
            });
            Ok(())
        })?;
    }
    Ok(role.unwrap_or_else(|| Role::Label(LitStr::new(&ident.unraw().to_string(), ident.span()))))
}
