;;; Opens a template in Emacs with eglot, as docs/editors.md sets it up, and checks what a user would see.
;; Run: TGEN_PROGRAM=/path/to/cargo-tgen emacs --batch -q -l editors/emacs-eglot-test.el

(package-initialize)
(setq load-prefer-newer t)
(require 'project)
(require 'eglot)
(require 'flymake)

(define-derived-mode tgen-mode python-mode "tgen")
(add-to-list 'auto-mode-alist '("\\.tera\\'" . tgen-mode))
(add-to-list 'eglot-server-programs `(tgen-mode . (,(getenv "TGEN_PROGRAM") "tgen" "lsp")))
(setq eglot-autoshutdown nil
      eglot-sync-connect 20
      ;; The project is the folder with the configuration, not what version control says.
      project-find-functions
      (list (lambda (folder)
              (let ((root (locate-dominating-file folder "tgen.toml")))
                (and root (cons 'transient root))))))

(defun tgen-expect (what condition)
  "Wait until CONDITION holds, or fail for WHAT."
  (let ((patience 150))
    (while (and (> patience 0) (not (funcall condition)))
      (accept-process-output nil 0.1)
      (setq patience (1- patience)))
    (unless (funcall condition) (error "missing: %s" what))
    (princ (format "ok   %s\n" what))))

(let* ((root (file-name-as-directory (make-temp-file "tgen-" t)))
       (template (expand-file-name "templates/t.py.tera" root)))
  (make-directory (expand-file-name "templates" root))
  (with-temp-file (expand-file-name "tgen.toml" root)
    (insert "templates = \"templates\"\n[placeholders]\norganisation = \"acme\"\n[[suite]]\nname = \"s\"\ntemplate = \"t.py.tera\"\n"
            "models = [\"bert\", \"vit\"]\noutput = \"out/test_{{ normalized_name }}.py\"\n"))
  (with-temp-file template (insert "# {{ model_nam }}\nNAME = {{ model_name | py_str }}\n# {{ organisation }}\n"))
  (find-file template)
  (apply #'eglot (eglot--guess-contact))
  (tgen-expect "a server" #'eglot-current-server)
  (flymake-mode 1)
  (tgen-expect "the mistyped placeholder is a diagnostic, once"
               (lambda ()
                 (flymake-start)
                 (let ((found (flymake-diagnostics)))
                   (and (= (length found) 1)
                        (string-match-p "model_nam" (flymake-diagnostic-text (car found)))
                        (= (flymake-diagnostic-beg (car found)) 6)
                        (= (flymake-diagnostic-end (car found)) 15)))))
  (let ((server (eglot-current-server))
        (at (lambda (line character)
              `(:textDocument (:uri ,(eglot--path-to-uri template)) :position (:line ,line :character ,character)))))
    (tgen-expect "completion"
                 (lambda ()
                   (seq-some (lambda (item) (equal (plist-get item :label) "model_name"))
                             (jsonrpc-request server :textDocument/completion (funcall at 0 10)))))
    (tgen-expect "hover"
                 (lambda ()
                   (let ((hover (jsonrpc-request server :textDocument/hover (funcall at 1 12))))
                     (string-match-p "bert" (plist-get (plist-get hover :contents) :value)))))
    (tgen-expect "definition"
                 (lambda ()
                   (let ((found (jsonrpc-request server :textDocument/definition (funcall at 2 8))))
                     (and (= (length found) 1)
                          (string-suffix-p "/tgen.toml" (plist-get (elt found 0) :uri))))))
    (tgen-expect "preview"
                 (lambda ()
                   (let ((preview (jsonrpc-request server :tgen/preview (funcall at 0 0))))
                     (or (plist-get preview :text) (plist-get preview :problem)))))
    (eglot-shutdown server)
    (tgen-expect "the server ends" (lambda () (not (jsonrpc-running-p server)))))
  (delete-directory root t))
