// Filter, sorting and folding of the rows. Everything is read from the document and put back by moving or hiding elements: no text
// of the log ever becomes markup. The state stands behind the # of the address, so that a view can be shared.
"use strict";
(() => {
    const form = document.getElementById("filter");
    const shown = document.getElementById("shown");
    const fields = form.elements;
    const rows = [...document.querySelectorAll(".rows > tbody")].map((body) => {
        const cells = body.rows[0].cells;
        return { body, cells, client: cells[0].textContent, kind: cells[1].textContent, decision: body.dataset.decision, text: null };
    });
    const count = (row) => Number(row.cells[8].textContent.replace(/\D/g, ""));

    function offer(name) {
        const values = new Set(rows.map((row) => row[name]));
        for (const value of [...values].sort())
            fields[name].add(new Option(value, value));
    }

    function filter() {
        const words = fields.q.value.toLowerCase().split(/\s+/).filter(Boolean);
        const wanted = ["decision", "client", "kind"].filter((name) => fields[name].value !== "");
        let visible = 0, requests = 0;
        for (const row of rows) {
            if (words.length > 0 && row.text === null)
                row.text = row.body.textContent.toLowerCase();
            const fits = wanted.every((name) => row[name] === fields[name].value) && words.every((word) => row.text.includes(word));
            row.body.hidden = !fits;
            visible += fits;
            requests += fits ? count(row) : 0;
        }
        shown.textContent = words.length + wanted.length === 0 ? "" :
            visible === 0 ? "No row matches." :
            `${visible} of ${rows.length} rows, ${requests.toLocaleString("en")} ${requests === 1 ? "request" : "requests"}`;
    }

    function remember() {
        const state = new URLSearchParams();
        for (const name of ["q", "decision", "client", "kind"])
            if (fields[name].value !== "")
                state.set(name, fields[name].value);
        const hash = state.toString();
        history.replaceState(null, "", hash === "" ? location.pathname + location.search : "#" + hash);
    }

    function recall() {
        const state = new URLSearchParams(location.hash.slice(1));
        for (const name of ["q", "decision", "client", "kind"])
            fields[name].value = state.get(name) ?? "";
        for (const name of ["decision", "client", "kind"])
            if (fields[name].selectedIndex < 0)
                fields[name].value = "";
        filter();
    }

    function sort(table, column, header) {
        const descending = header.getAttribute("aria-sort") === "none" ? column >= 6 : header.getAttribute("aria-sort") === "ascending";
        for (const other of header.parentNode.cells)
            other.setAttribute("aria-sort", other !== header ? "none" : descending ? "descending" : "ascending");
        const mine = rows.filter((row) => row.body.parentNode === table);
        const key = (row) => row.cells[column].textContent;
        mine.sort((a, b) => (column === 8 ? count(a) - count(b) : key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (descending ? -1 : 1));
        table.append(...mine.map((row) => row.body));
    }

    function addSorting(table) {
        [...table.tHead.rows[0].cells].forEach((header, column) => {
            const button = document.createElement("button");
            button.type = "button";
            button.textContent = header.textContent;
            button.addEventListener("click", () => sort(table, column, header));
            header.replaceChildren(button);
            header.setAttribute("aria-sort", "none");
        });
    }

    function addFolding(row) {
        const records = row.body.querySelector(".records");
        if (records === null)
            return;
        const button = document.createElement("button");
        button.type = "button";
        button.className = "toggle";
        button.setAttribute("aria-label", "Records");
        const turn = () => {
            const open = records.classList.toggle("open");
            button.setAttribute("aria-expanded", String(open));
        };
        button.setAttribute("aria-expanded", "false");
        records.querySelector("details").open = true;
        records.querySelector("summary").addEventListener("click", (event) => event.preventDefault());
        row.cells[2].classList.add("folds");
        row.cells[2].prepend(button);
        row.body.rows[0].addEventListener("click", (event) => {
            if (event.target === button || String(getSelection()) === "")
                turn();
        });
    }

    offer("client");
    offer("kind");
    rows.forEach(addFolding);
    document.querySelectorAll(".rows").forEach(addSorting);
    document.documentElement.classList.add("script");
    form.hidden = rows.length === 0;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => { filter(); remember(); });
    form.addEventListener("reset", () => setTimeout(() => { filter(); remember(); }));
    addEventListener("hashchange", recall);
    recall();
})();
