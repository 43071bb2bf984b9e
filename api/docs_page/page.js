"use strict";

// Everything is built with textContent: nothing of the document becomes markup.

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
};

const resolve = (api, schema) =>
  schema && schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema;

const typeOf = (api, schema) => {
  if (!schema) return "any";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.anyOf) return schema.anyOf.map((each) => typeOf(api, each)).join(" | ");
  if (schema.type === "array") return `${typeOf(api, schema.items)}[]`;
  const limits = [];
  if ("minimum" in schema) limits.push(`≥ ${schema.minimum}`);
  if ("maximum" in schema) limits.push(`≤ ${schema.maximum}`);
  if ("maxLength" in schema) limits.push(`≤ ${schema.maxLength} characters`);
  return [schema.format || schema.type || "any", ...limits].join(" ");
};

const fields = (api, schema) => {
  const shown = resolve(api, schema);
  if (!shown || !shown.properties) return null;
  const required = new Set(shown.required || []);
  const rows = Object.entries(shown.properties).map(([name, each]) =>
    element(
      "tr",
      {},
      element("td", {}, element("code", {}, name), required.has(name) ? " *" : ""),
      element("td", {}, typeOf(api, each)),
      element("td", { class: "quiet" }, each.description || ""),
    ),
  );
  return element("table", {}, ...rows);
};

const sample = (api, schema, depth = 0) => {
  const shown = resolve(api, schema);
  if (!shown || depth > 4) return null;
  if (shown.enum) return shown.enum[0];
  if ("const" in shown) return shown.const;
  if (shown.anyOf) return sample(api, shown.anyOf[0], depth + 1);
  if (shown.type === "array") return [sample(api, shown.items, depth + 1)];
  if (shown.type === "object") {
    return Object.fromEntries(
      Object.entries(shown.properties || {}).map(([name, each]) => [name, sample(api, each, depth + 1)]),
    );
  }
  if (shown.type === "boolean") return true;
  if (shown.type === "integer" || shown.type === "number") return Math.max(shown.minimum ?? 1, 1);
  return shown.format === "uuid" ? "00000000-0000-4000-8000-000000000000" : "text";
};

const tryIt = (api, path, method, operation) => {
  const inputs = (operation.parameters || []).map((parameter) => ({
    parameter,
    input: element("input", { "aria-label": parameter.name, placeholder: typeOf(api, parameter.schema) }),
  }));
  const body = operation.requestBody
    ? element("textarea", { "aria-label": "body", spellcheck: "false" })
    : null;
  if (body) {
    const schema = operation.requestBody.content["application/json"].schema;
    body.value = JSON.stringify(sample(api, schema), null, 2);
  }
  const result = element("pre", { hidden: "" });
  const send = element("button", { type: "button" }, "Send");
  send.addEventListener("click", async () => {
    let target = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const { parameter, input } of inputs) {
      if (!input.value && parameter.in !== "path") continue;
      if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (parameter.in === "query") query.set(parameter.name, input.value);
      else headers[parameter.name] = input.value;
    }
    const token = document.getElementById("token").value.trim();
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    const address = query.size ? `${target}?${query}` : target;
    result.hidden = false;
    try {
      const answer = await fetch(address, { method: method.toUpperCase(), headers, body: body ? body.value : undefined });
      const text = await answer.text();
      let shown = text;
      try {
        shown = JSON.stringify(JSON.parse(text), null, 2);
      } catch {
        shown = text.slice(0, 4000);
      }
      result.textContent = `${answer.status} ${answer.statusText}\n\n${shown}`;
    } catch (error) {
      result.textContent = String(error);
    }
  });
  const rows = inputs.map(({ parameter, input }) =>
    element(
      "tr",
      {},
      element("td", {}, element("code", {}, parameter.name), parameter.required ? " *" : ""),
      element("td", {}, input),
      element("td", { class: "quiet" }, `${parameter.in} ${parameter.description || parameter.schema.description || ""}`),
    ),
  );
  return element("div", {}, rows.length ? element("table", {}, ...rows) : null, body, send, result);
};

const operationView = (api, path, method, operation) => {
  const answer = Object.entries(operation.responses).find(([status]) => status.startsWith("2"));
  const content = answer && answer[1].content && answer[1].content["application/json"];
  const data = content && content.schema.properties && content.schema.properties.data;
  const body = operation.requestBody && operation.requestBody.content["application/json"].schema;
  return element(
    "details",
    { id: operation.operationId },
    element(
      "summary",
      {},
      element("span", { class: `method ${method}` }, method.toUpperCase()),
      element("code", {}, path),
      ` ${operation.summary} `,
      element("span", { class: "quiet" }, operation["x-permission"]),
    ),
    body ? element("h3", {}, `Takes ${typeOf(api, body)}`) : null,
    body ? fields(api, body) : null,
    data ? element("h3", {}, `Answers ${answer[0]}, data: ${typeOf(api, data)}`) : null,
    data ? fields(api, data) : null,
    element("h3", {}, "Try it"),
    tryIt(api, path, method, operation),
  );
};

const show = (api) => {
  document.getElementById("about").textContent = `${api.info.description} Version ${api.info.version}. * is required.`;
  const contents = document.getElementById("contents");
  const operations = document.getElementById("operations");
  for (const { name } of api.tags) {
    contents.append(element("a", { href: `#${name}` }, name));
    operations.append(element("h2", { id: name }, name));
    for (const [path, methods] of Object.entries(api.paths))
      for (const [method, operation] of Object.entries(methods))
        if (operation.tags.includes(name)) operations.append(operationView(api, path, method, operation));
  }
  operations.append(element("h2", { id: "objects" }, "Objects"));
  contents.append(element("a", { href: "#objects" }, "Objects"));
  for (const [name, schema] of Object.entries(api.components.schemas))
    operations.append(
      element("details", {}, element("summary", {}, name, element("span", { class: "quiet" }, ` ${schema.description || ""}`)), fields(api, schema)),
    );
};

fetch("/api/v1/openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch((error) => {
    document.getElementById("about").textContent = `The OpenAPI document cannot be shown: ${error}`;
  });
