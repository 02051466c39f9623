// Creates elements. Texts are only ever set as texts, so that no value can become markup.

/** An element with properties, attributes (names with a dash, and `role`) and children. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "list") {
      element.setAttribute(name, value);
    } else if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else {
      element[name] = value;
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The element with an id. */
export const byId = (id) => document.getElementById(id);

/** Replaces the children of an element, and shows it if there are any. */
export function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== null));
  element.hidden = element.childNodes.length === 0;
}
